-- Copies every record of a student, with its student and evidence, as those of another.
INSERT INTO student (id, lea, local_key, birth_date) SELECT id || :n, lea, local_key || :n,
birth_date FROM student WHERE id NOT LIKE '%-%-%-%-%-%';
INSERT INTO evidence (id, agreement_id, student_id, referral_id, record_id, fact, value, element,
purpose, recipient, valid_from, valid_to, recorded_at, superseded_at, source, source_id) SELECT id
|| :n, agreement_id, student_id || :n, CASE referral_id WHEN '' THEN '' ELSE referral_id || :n
END, record_id, fact, value, element, purpose, recipient, valid_from, valid_to, recorded_at,
superseded_at, source, source_id FROM evidence WHERE student_id <> '' AND student_id NOT LIKE
'%-%-%-%-%-%';
INSERT INTO record (type, id, custodian, sender_role, audience, agreement_id, student_id,
referral_id, element, third_party, source_key, content_digest, version, change, last_updated,
body) SELECT type, id || :n, custodian, sender_role, audience, agreement_id, student_id || :n,
referral_id || :n, element, third_party, source_key || :n, content_digest, version, change +
:shift, CAST(:at AS TIMESTAMP), body FROM record WHERE agreement_id <> '' AND id NOT LIKE
'%-%-%-%-%-%';
INSERT INTO search_value (type, id, param, system, value, agreement_id, change) SELECT type, id ||
:n, param, system, CASE WHEN param IN ('patient', 'subject', 'focus', 'identifier', 'name',
'based-on', 'target') THEN value || :n ELSE value END, agreement_id, change + :shift FROM
search_value WHERE agreement_id <> '' AND id NOT LIKE '%-%-%-%-%-%' AND value <> 'rejected';
INSERT INTO search_date (change, type, id, param, low, high, agreement_id) SELECT change + :shift,
type, id || :n, param, low + :shift, high + :shift, agreement_id FROM search_date WHERE agreement_id <> '' AND id NOT
LIKE '%-%-%-%-%-%'
