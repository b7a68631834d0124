// Evidence of the ledger, judged by two implementations that nobody here wrote: the Merkle proofs by
// @transmute/rfc9162 and @sigstore/verify, the signed heads by @sigstore/verify.
// Arguments: the bridge's key, a sealed receipt, the same opened, a head with the proof that it
// extends an earlier one, that earlier head.
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { verifyCheckpoint } = require('@sigstore/verify/dist/tlog/checkpoint.js');
const { verifyMerkleInclusion } = require('@sigstore/verify/dist/tlog/merkle.js');
const { default: rfc9162 } = require('@transmute/rfc9162');

const [vkey, sealedFile, openedFile, extensionFile, earlierFile] = process.argv.slice(2);
const text = (file) => readFileSync(file, 'utf8');
const [sealed, opened] = [sealedFile, openedFile].map((file) => JSON.parse(text(file)));

// The C2SP key name+hash+key as a log that is known: 4 bytes of its id, its name, an Ed25519 key.
const [name, mark, encoded] = vkey.split(/\+(?=[0-9a-f]{8}\+)|(?<=\+[0-9a-f]{8})\+/);
const prefix = Buffer.from('302a300506032b6570032100', 'hex'); // SubjectPublicKeyInfo of RFC 8410
const raw = Buffer.from(encoded, 'base64').subarray(1);
const log = {
  logID: Buffer.from(mark, 'hex'),
  baseURL: name,
  publicKey: createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' }),
};

const head = (note) => verifyCheckpoint({ inclusionProof: { checkpoint: { envelope: note } } }, [log]);
const holds = async (work) => { try { return (await work()) !== false; } catch { return false; } };
const spoilt = (hash) => { const other = Buffer.from(hash); other[0] ^= 1; return other; };

const path = sealed.path.map((step) => Buffer.from(step, 'hex'));
const signed = head(sealed.checkpoint);
const body = createHash('sha256')
  .update(Buffer.from(opened.salt, 'hex')).update(opened.body).digest();
const includes = (leaf, steps) => rfc9162.verifyInclusionProof(signed.logHash, leaf, {
  log_id: '', tree_size: Number(signed.logSize), leaf_index: sealed.index, inclusion_path: steps,
});
const committed = (entry, steps) => verifyMerkleInclusion(
  { inclusionProof: { logIndex: String(opened.index), hashes: steps }, canonicalizedBody: entry },
  head(opened.checkpoint),
);

const [proof, ...rest] = text(extensionFile).split('\n\n');
const [old, ...steps] = proof.split('\n');
const [before, after] = [head(text(earlierFile)), head(rest.join('\n\n'))];
const extendsIt = (hash, path) => rfc9162.verifyConsistencyProof(before.logHash, hash, {
  log_id: '', tree_size_1: Number(before.logSize), tree_size_2: Number(after.logSize),
  consistency_path: path,
});
const consistency = steps.map((step) => Buffer.from(step, 'base64'));
// Step 2 of RFC 9162, 2.1.4.2 is left to the caller ("hmm erata?", says its source).
if ((before.logSize & (before.logSize - 1n)) === 0n) consistency.unshift(before.logHash);
const leaf = Buffer.from(sealed.leaf, 'hex');

console.log(JSON.stringify({
  sizes: [before, after, signed].map((each) => Number(each.logSize)),
  since: Number(old.slice('old '.length)),
  sealed: [await holds(() => includes(leaf, path)), await holds(() => includes(spoilt(leaf), path)),
    await holds(() => includes(leaf, [spoilt(path[0]), ...path.slice(1)]))],
  opened: [await holds(() => committed(body, path)), await holds(() => committed(spoilt(body), path))],
  extension: [await holds(() => extendsIt(after.logHash, consistency)),
    await holds(() => extendsIt(spoilt(after.logHash), consistency)),
    await holds(() => extendsIt(after.logHash, [...consistency.slice(0, -1), spoilt(consistency.at(-1))]))],
  signature: [await holds(() => head(sealed.checkpoint)),
    await holds(() => head(sealed.checkpoint.replace(/\n\d+\n/, '\n1\n')))],
}));
