// What a provider's programmer does with fhir-kit-client: BASE KEYS SESSION UNKNOWN_ID HIDDEN_ID.
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client } from 'fhir-kit-client';

const [baseUrl, keys, session, ...absent] = process.argv.slice(2);

function assertion(audience) {
  const [key] = JSON.parse(readFileSync(keys, 'utf8')).keys;
  const header = { alg: key.alg, kid: key.kid, typ: 'JWT' };
  const exp = Math.floor(Date.now() / 1000) + 290;
  const name = 'fhir-kit-client';
  const claims = { iss: name, sub: name, aud: audience, exp, jti: randomUUID() };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signing = `${part(header)}.${part(claims)}`;
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  const options = { key: privateKey, dsaEncoding: 'ieee-p1363' };
  return `${signing}.${sign('sha384', Buffer.from(signing), options).toString('base64url')}`;
}

async function token(place) {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'system/*.rs system/Encounter.c system/Task.u',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion(place),
  });
  const answer = await fetch(place, { method: 'POST', body });
  return (await answer.json()).access_token;
}

// The status and the body of the error that a call ends with.
async function told(asked) {
  try {
    await asked;
    return { status: 200 };
  } catch (error) {
    return { status: error.response?.status, data: error.response?.data };
  }
}

const client = new Client({ baseUrl });
const discovered = await client.smartAuthMetadata();
const stranger = await told(client.search({ resourceType: 'Task' }));
client.bearerToken = await token(discovered.tokenUrl.href);

const pages = [];
const searchParams = { _count: 2, status: 'requested,accepted' };
let bundle = await client.search({ resourceType: 'Task', searchParams });
while (bundle) {
  pages.push((bundle.entry ?? []).map((entry) => entry.resource));
  bundle = await client.nextPage({ bundle });
}
const posted = await client.search({
  resourceType: 'Task', searchParams: { status: 'requested,accepted' }, options: { postSearch: true },
});
const [task] = pages.flat().filter((each) => each.status === 'requested');
const read = await client.read({ resourceType: 'Task', id: task.id });
const { response } = Client.httpFor(read);
const accepted = { ...read, status: 'accepted' };
const put = (etag) => client.update({
  resourceType: 'Task', id: task.id, body: accepted, options: { headers: { 'If-Match': etag } },
});
const updated = await put(response.headers.get('etag'));
const stale = await told(put(response.headers.get('etag')));
const entry = (url) => ({ request: { method: 'GET', url } });
const batch = await client.batch({
  body: { resourceType: 'Bundle', type: 'batch', entry: [entry(`Task/${task.id}`), entry(`Task/${absent[0]}`)] },
});
const created = await client.create({ resourceType: 'Encounter', body: JSON.parse(session) });
const missing = [];
for (const id of absent) missing.push(await told(client.read({ resourceType: 'ServiceRequest', id })));
const capabilities = await client.capabilityStatement();
console.log(JSON.stringify({
  tokenUrl: discovered.tokenUrl.href, stranger, pages, read, updated, stale, batch, created, missing,
  posted: posted.entry.filter((each) => each.search.mode === 'match').map((each) => each.resource),
  fhirVersion: capabilities.fhirVersion,
}));
