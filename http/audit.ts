/** `/v1/audit`: what the ledger has signed, and proofs. For auditors. */
import { Hono, type Context } from 'hono'
import type { z } from 'zod'
import type { Access } from '../access/access.ts'
import type { Ledger, SignedCheckpoint } from '../engine/ledger.ts'
import type { CheckpointAnswer, CheckpointsAnswer, ConsistencyAnswer, InclusionAnswer } from '../mobile-contracts/answers.ts'
import type { ConsistencyProof, InclusionProof } from '../projections/ledger/proofs.ts'
import { problem } from './problems.ts'
import { BadRequest } from './request.ts'

/** Both are undefined where there is nothing to prove. @throws LedgerAway while the table is out of reach */
export type Proofs = {
  inclusion(event: { stream: string; revision: number }, size: number): Promise<InclusionProof | undefined>
  consistency(from: number, to: number): Promise<ConsistencyProof | undefined>
}
export type AuditDependencies = { access: Access; ledger: Ledger; proofs: Proofs }

/** Checkpoints in one answer. */
const most = 100

export function auditRoutes({ access, ledger, proofs }: AuditDependencies): Hono {
  const shown = ({ number, size, root, at, note }: SignedCheckpoint): z.infer<typeof CheckpointAnswer> => ({ number, size, root, at, note })

  const auditor = access.requireRole('auditor')
  // For each by itself: where there is nothing, nobody is asked who they are.
  return new Hono()
    .get('/checkpoints', auditor, async (c) => {
      const from = numberIn(c, 'from')
      const { number } = await ledger.state()
      const [{ first, handovers }, some] = [await ledger.keys(), await ledger.list(from ?? Math.max(0, number - most + 1), most)]
      return c.json({ origin: ledger.origin, key: first, handovers, checkpoints: some.map(shown) } satisfies z.infer<typeof CheckpointsAnswer>)
    })
    .get('/checkpoints/:number', auditor, async (c) => {
      const number = /^\d{1,10}$/.test(c.req.param('number')) ? Number(c.req.param('number')) : -1
      const found = number < 0 ? undefined : await ledger.read(number)
      return found?.number === number ? c.json(shown(found)) : problem(c, 'checkpoint_unknown')
    })
    .get('/proofs/inclusion', auditor, async (c) => {
      const [stream, revision] = [c.req.query('stream'), numberIn(c, 'revision')]
      if (stream === undefined || revision === undefined) throw new BadRequest('malformed', { detail: 'stream and revision are needed' })
      const proof = await proofs.inclusion({ stream, revision }, numberIn(c, 'size') ?? (await ledger.state()).size)
      return proof ? c.json(proof satisfies z.infer<typeof InclusionAnswer>) : problem(c, 'proof_unknown')
    })
    .get('/proofs/consistency', auditor, async (c) => {
      const [from, to] = [numberIn(c, 'from'), numberIn(c, 'to')]
      if (from === undefined || to === undefined) throw new BadRequest('malformed', { detail: 'from and to are needed' })
      const proof = await proofs.consistency(from, to)
      return proof ? c.json(proof satisfies z.infer<typeof ConsistencyAnswer>) : problem(c, 'proof_unknown')
    })
}

/** @throws BadRequest */
function numberIn(c: Context, name: string): number | undefined {
  const written = c.req.query(name)
  if (written === undefined) return undefined
  if (!/^\d{1,10}$/.test(written)) throw new BadRequest('malformed', { detail: `${name}: not a whole number` })
  return Number(written)
}
