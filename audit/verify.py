#!/usr/bin/env python3
"""Checks a Keyledger bundle offline, with Python's standard library alone (3.8 or later).

    python3 verify.py BUNDLE [--key VKEY] [--checkpoint FILE] [--consistency FILE] [--json]

BUNDLE is a directory or a .zip. VKEY and FILE are what you hold from elsewhere: without them the bundle is only checked against itself.
Exit: 0 right, 2 wrong, 3 nothing is wrong but something is not covered, 1 it could not be read, 64 misused.

It was written from docs/ledger.md and shares no code with the engine. It checks in the same order, so that both name the same event.
Formats: RFC 9162 (Merkle trees), c2sp.org/signed-note, c2sp.org/tlog-checkpoint, RFC 8032 (Ed25519).
"""
import base64
import hashlib
import json
import os
import re
import sys
import zipfile


class Fault(Exception):
    def __init__(self, reason, stream=None, revision=None):
        super().__init__(reason)
        self.reason, self.stream, self.revision = reason, stream, revision


class BadNote(Exception):
    pass


# Ed25519, as RFC 8032, 5.1 and its appendix have it: to verify only, so nothing here is secret.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - x2) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def decompress(data):
    y = int.from_bytes(data, 'little')
    sign = y >> 255
    y &= (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def ed25519_verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], 'little')
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), 'little') % L
    left, right = multiply(s, BASE), add(r, multiply(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# Signed notes (c2sp.org/signed-note).
def from_base64(text):
    try:
        data = base64.b64decode(text.encode('ascii'), validate=True)
    except (ValueError, UnicodeEncodeError):
        raise BadNote('not base64')
    if base64.b64encode(data).decode() != text:
        raise BadNote('not base64')
    return data


class Key:
    def __init__(self, vkey):
        match = re.fullmatch(r'([^+]+)\+([0-9a-f]{8})\+(.+)', vkey, re.S)
        if not match:
            raise BadNote('not the verifier key of an Ed25519 signer')
        self.vkey, (self.name, self.id, encoded) = vkey, match.groups()
        data = from_base64(encoded)
        known = hashlib.sha256(self.name.encode() + b'\n' + data).hexdigest()[:8]
        if re.search(r'\s', self.name) or len(data) != 33 or data[0] != 1 or known != self.id:
            raise BadNote('not the verifier key of an Ed25519 signer')
        self.public = data[1:]


def signatures_of(note):
    end = note.rfind('\n\n')
    if end < 0 or not note.endswith('\n') or re.search(r'[\x00-\x09\x0b-\x1f]', note):
        raise BadNote('not a signed note')
    lines = note[end + 2:].split('\n')[:-1]
    if not 0 < len(lines) <= 100:
        raise BadNote('not a signed note')
    found = []
    for line in lines:
        match = re.fullmatch(r'— (\S+) (\S+)', line)
        data = from_base64(match.group(2)) if match else b''
        if len(data) < 5 or '+' in match.group(1):
            raise BadNote('not a signed note')
        found.append((match.group(1), data[:4].hex(), data[4:]))
    return note[:end + 1], found


def open_note(note, key):
    text, signatures = signatures_of(note)
    signed = False
    for name, key_id, signature in signatures:
        if (name, key_id) != (key.name, key.id):
            continue
        if not ed25519_verify(key.public, text.encode(), signature):
            raise BadNote('the signature of %s is wrong' % key.name)
        signed = True
    if not signed:
        raise BadNote('%s (%s) has not signed this' % (key.name, key.id))
    return text


def open_checkpoint(note, key):
    lines = open_note(note, key).split('\n')
    others = lines[3:-1]
    if len(lines) < 4 or lines[0] != key.name or not re.fullmatch(r'0|[1-9][0-9]{0,15}', lines[1]) or '' in others:
        raise BadNote('not a checkpoint of this log')
    size, root = int(lines[1]), from_base64(lines[2])
    if size > 2**53 - 1 or len(root) != 32:
        raise BadNote('not a checkpoint')
    return size, root


def keys_from(trusted, handovers):
    keys = [Key(trusted)]
    for handover in handovers:
        last = keys[-1]
        try:
            by_last = any((name, key_id) == (last.name, last.id) for name, key_id, _ in signatures_of(handover)[1])
        except BadNote:
            by_last = False
        if not by_last:
            continue
        lines = open_note(handover, last).split('\n')
        following = Key(lines[2] if len(lines) > 2 else '')
        if lines[0] != 'keyledger key change' or lines[1] != last.name or following.name != last.name:
            raise BadNote('not a change of the key of this ledger')
        keys.append(following)
    return keys


# Merkle trees (RFC 9162, 2.1).
def node_hash(left, right):
    return hashlib.sha256(b'\x01' + left + right).digest()


def includes(index, size, leaf, root, proof):
    """RFC 9162, 2.1.3.2."""
    if index >= size or any(len(one) != 32 for one in proof):
        return False
    at, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at % 2 == 1 or at == last:
            value = node_hash(sibling, value)
            while at % 2 == 0 and at != 0:
                at, last = at >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and value == root


def extends(old, old_root, young, young_root, proof):
    """RFC 9162, 2.1.4.2; 0 < old < young."""
    if any(len(one) != 32 for one in proof) or not proof:
        return False
    hashes = ([old_root] if old & (old - 1) == 0 else []) + proof
    at, last = old - 1, young - 1
    while at % 2 == 1:
        at, last = at >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if at % 2 == 1 or at == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while at % 2 == 0 and at != 0:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == young_root


# The bundle.
class Folder:
    def __init__(self, path):
        self.path = path

    def read(self, name):
        try:
            with open(os.path.join(self.path, name), 'rb') as file:
                return file.read()
        except FileNotFoundError:
            return None

    def lines(self, name, digest):
        try:
            file = open(os.path.join(self.path, name), 'rb')
        except FileNotFoundError:
            return
        with file:
            for line in file:
                digest.update(line)
                yield line[:-1] if line.endswith(b'\n') else line


class Zip:
    def __init__(self, path):
        self.zip = zipfile.ZipFile(path)

    def read(self, name):
        try:
            return self.zip.read(name)
        except KeyError:
            return None

    def lines(self, name, digest):
        for line in split_lines(self.read(name) or b''):
            digest.update(line)
            yield line[:-1] if line.endswith(b'\n') else line


def split_lines(data):
    start = 0
    while start < len(data):
        end = data.find(b'\n', start)
        end = len(data) if end < 0 else end + 1
        yield data[start:end]
        start = end


def refuse(constant):
    raise ValueError(constant)


def read_json(data, what):
    if data is None:
        raise Fault('%s is missing' % what)
    try:
        return json.loads(data.decode('utf-8'), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise Fault('%s cannot be read' % what)


def count(value):
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53 - 1 else None


def texts(value):
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def opened_by(keys, work, what):
    failure = None
    for key in reversed(keys):
        try:
            return work(key)
        except BadNote as error:
            failure = error
    raise Fault('%s: %s' % (what, failure))


def decoded(data, what):
    try:
        return data.decode('utf-8')
    except ValueError:
        raise Fault('%s: cannot be read' % what)


def check(files, key, held, consistency, result):
    keys_bytes = files.read('keys.json')
    said = read_json(keys_bytes, 'keys.json')
    if not (isinstance(said, dict) and isinstance(said.get('first'), str) and texts(said.get('handovers'))):
        raise Fault('keys.json cannot be read')
    try:
        keys = keys_from(key if key is not None else said['first'], said['handovers'])
    except (BadNote, ValueError) as error:
        raise Fault('the keys: %s' % error)
    result['key'] = keys[0].vkey

    note = files.read('checkpoint.txt')
    checkpoint = None
    if note is not None:
        text = decoded(note, 'the checkpoint')
        checkpoint = opened_by(keys, lambda one: open_checkpoint(text, one), 'the checkpoint')
    size = result['size'] = checkpoint[0] if checkpoint else 0
    if held is not None:
        result['held'] = connection(opened_by(keys, lambda one: open_checkpoint(held, one), 'the checkpoint that is held'), checkpoint, consistency)

    head_bytes = files.read('bundle.json')
    head = read_json(head_bytes, 'bundle.json')
    streams, first = (head.get('streams'), head.get('first')) if isinstance(head, dict) else (None, None)
    good = (isinstance(head, dict) and head.get('format') == 'keyledger-bundle/1' and isinstance(head.get('origin'), str)
            and count(head.get('checkpoint')) is not None and count(head.get('events')) is not None
            and ('first' not in head or count(first) is not None)
            and ('streams' not in head or isinstance(streams, list) and all(isinstance(one, dict) and isinstance(one.get('stream'), str) and count(one.get('events')) is not None for one in streams)))
    if not good:
        raise Fault('bundle.json cannot be read')
    if head['origin'] != keys[0].name:
        raise Fault('bundle.json is of another log')
    if head['checkpoint'] != size:
        raise Fault('bundle.json is for another checkpoint')

    digests = check_events(files, head, checkpoint, result)

    manifest = files.read('manifest.txt')
    if manifest is None:
        raise Fault('manifest.txt is missing')
    text = decoded(manifest, 'the manifest')
    lines = opened_by(keys, lambda one: open_note(text, one), 'the manifest').split('\n')
    digests = [base64.b64encode(hashlib.sha256(one).digest()).decode() for one in (head_bytes, keys_bytes)] + digests
    if len(lines) != 7 or lines[0] != 'keyledger bundle' or lines[1] != head['origin']:
        raise Fault('the manifest is of something else')
    for name, wanted, there in zip(['bundle.json', 'keys.json', 'events.ndjson', 'proofs.ndjson'], lines[2:6], digests):
        if wanted != there:
            raise Fault('%s is not the one that was signed' % name)


def connection(held, ours, consistency):
    if ours is None:
        return 'unconnected'
    if held[0] == ours[0]:
        if held[1] != ours[1]:
            raise Fault('the checkpoint that is held has another root for as many events')
        return 'same'
    if consistency is None or held[0] == 0 or ours[0] == 0:
        return 'unconnected'
    (old, old_root), (young, young_root) = sorted([held, ours])
    try:
        proof = [from_base64(one) for one in consistency]
    except BadNote as error:
        raise Fault('the consistency proof: %s' % error)
    if not extends(old, old_root, young, young_root, proof):
        raise Fault('the checkpoint that is held is not of the same log')
    return 'connected'


def check_events(files, head, checkpoint, result):
    event_digest, proof_digest = hashlib.sha256(), hashlib.sha256()
    proofs = files.lines('proofs.ndjson', proof_digest)
    seen, number, last, before = {}, 0, -1, []
    first = head.get('first')
    for line in files.lines('events.ndjson', event_digest):
        number += 1
        what = 'line %d of events.ndjson' % number
        event = read_json(line, what)
        metadata = event.get('metadata') if isinstance(event, dict) else None
        stream, revision = (event.get('stream'), count(event.get('revision'))) if isinstance(event, dict) else (None, None)
        if not isinstance(stream, str) or revision is None or not isinstance(metadata, dict) or not isinstance(metadata.get('at'), str):
            raise Fault('%s cannot be read' % what)
        proof_line = next(proofs, None)
        if proof_line is None:
            raise Fault('there is no proof for it', stream, revision)
        what = 'line %d of proofs.ndjson' % number
        proof = read_json(proof_line, what)
        if not isinstance(proof, dict) or 'index' not in proof:
            raise Fault('%s cannot be read' % what)
        index = proof['index']
        if index is not None:
            index, as_before = count(index), count(proof.get('asBefore'))
            if index is None or as_before is None or not texts(proof.get('proof')):
                raise Fault('%s cannot be read' % what)
        known = seen.get(stream)
        if (revision != 0 and not first) if known is None else revision != known + 1:
            raise Fault('revision %d of the stream is to come next' % (0 if known is None else known + 1), stream, revision)
        if known is None:
            result['streams']['whole' if revision == 0 else 'partial'] += 1
        seen[stream] = revision
        if index is None:
            if result['uncovered']['events'] == 0:
                result['uncovered']['since'] = metadata['at']
            result['uncovered']['events'] += 1
            continue
        if result['uncovered']['events'] > 0:
            raise Fault('it stands behind one that is not covered', stream, revision)
        if first is not None and index != first + number - 1:
            raise Fault('event %d of the log is to come next' % (first + number - 1), stream, revision)
        if index <= last:
            raise Fault('it is not in the order of the log', stream, revision)
        last = index
        if as_before > len(before):
            raise Fault('its proof is not whole', stream, revision)
        try:
            hashes = [from_base64(one) for one in proof['proof']] + before[len(before) - as_before:]
        except BadNote:
            raise Fault('its proof cannot be read', stream, revision)
        # The line is the canonical form already (RFC 8785): its bytes are the leaf.
        leaf = hashlib.sha256(b'\x00' + line).digest()
        if checkpoint is None or not includes(index, checkpoint[0], leaf, checkpoint[1], hashes):
            raise Fault('it is not the event that was signed', stream, revision)
        before = hashes
        result['covered'] += 1
    if next(proofs, None) is not None:
        raise Fault('proofs.ndjson has more lines than events.ndjson')
    for one in head.get('streams', []):
        there = seen.get(one['stream'], -1) + 1
        if there < one['events']:
            raise Fault('it is missing', one['stream'], there)
    if number != head['events'] or ('streams' in head and len(head['streams']) != len(seen)):
        raise Fault('bundle.json names other events')
    if first is not None and checkpoint and last != checkpoint[0] - 1 and first < checkpoint[0]:
        raise Fault('event %d of the log is missing' % (last + 1))
    return [base64.b64encode(one.digest()).decode() for one in (event_digest, proof_digest)]


def verify(files, key=None, held=None, consistency=None):
    result = {'verdict': 'wrong', 'wrong': None, 'covered': 0, 'uncovered': {'events': 0, 'since': None}, 'size': 0, 'key': key or '',
              'keyHeld': key is not None, 'held': 'none', 'streams': {'whole': 0, 'partial': 0}}
    try:
        check(files, key, held, consistency, result)
        result['verdict'] = 'not covered' if result['uncovered']['events'] > 0 or result['held'] == 'unconnected' else 'right'
    except Fault as fault:
        result['wrong'] = {'stream': fault.stream, 'revision': fault.revision, 'reason': fault.reason}
    return result


def read_held(path):
    """A signed note, or the file that a witness keeps: a line of JSON for each, of which the last one counts."""
    with open(path, 'r', encoding='utf-8', newline='') as file:
        text = file.read()
    return json.loads(text.strip().split('\n')[-1])['note'] if text.startswith('{') else text


def told(result):
    out = []
    if result['wrong']:
        wrong = result['wrong']
        place = '' if wrong['stream'] is None else '%s, revision %d: ' % (wrong['stream'], wrong['revision'])
        return ['WRONG: %s%s' % (place, wrong['reason'])]
    out.append('%d events are as they were when %d events of the log were signed.' % (result['covered'], result['size']))
    if result['uncovered']['events'] > 0:
        out.append('Not yet covered: %d events since %s.' % (result['uncovered']['events'], result['uncovered']['since']))
    if result['held'] == 'unconnected':
        out.append('Nothing connects them with the checkpoint that you hold: ask for a consistency proof (--consistency).')
    if not result['keyHeld']:
        out.append('The key stands in the bundle itself (%s): compare it with one that you hold (--key).' % result['key'])
    return out


def main(arguments):
    options, operands, as_json = {}, [], False
    rest = list(arguments)
    while rest:
        one = rest.pop(0)
        if one in ('--key', '--checkpoint', '--consistency') and rest:
            options[one[2:]] = rest.pop(0)
        elif one == '--json':
            as_json = True
        elif one.startswith('-') or operands:
            operands = []
            break
        else:
            operands.append(one)
    if len(operands) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        files = Folder(operands[0]) if os.path.isdir(operands[0]) else Zip(operands[0])
        held = read_held(options['checkpoint']) if 'checkpoint' in options else None
        consistency = None
        if 'consistency' in options:
            with open(options['consistency'], 'r', encoding='utf-8') as file:
                consistency = json.load(file)['proof']
        result = verify(files, options.get('key'), held, consistency)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        print('Not checked: %s' % error, file=sys.stderr)
        return 1
    print(json.dumps(result) if as_json else '\n'.join(told(result)))
    return {'right': 0, 'wrong': 2, 'not covered': 3}[result['verdict']]


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
