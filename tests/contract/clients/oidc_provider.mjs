// A district's sign-in as nobody here wrote it: oidc-provider, with PKCE required.
// Arguments: port, address to come back to, client secret, people as JSON {login: [roles]}.
import Provider from 'oidc-provider';

const [port, redirect, secret, people] = process.argv.slice(2);
const roles = JSON.parse(people);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'schoolbridge',
    client_secret: secret,
    redirect_uris: [redirect],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  pkce: { required: () => true },
  claims: { openid: ['sub', 'roles'] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: true } },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, roles: roles[id] ?? [] }),
  }),
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
