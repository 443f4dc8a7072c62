import { RelayError } from '../../protocol/errors.ts'
import type { CommitOutcome, FlushBatch } from '../../turns/turn-store.ts'
import { decide } from '../decide.ts'
import type { Stamp } from '../decide.ts'
import { headerWrite, partWrites } from './plan.ts'
import type { HeaderWrite, PartWrite } from './plan.ts'

/** The single-document operations that a commit is made of. A rejection means: some of it may have happened, or may yet. */
export interface CommitDocuments {
  /** In any order. False where a guard refused one of them; the others may then have been written or not. */
  writeParts(writes: readonly PartWrite[]): Promise<boolean>
  /** In any order; resolves to how many found their header as expected. */
  writeHeaders(writes: readonly HeaderWrite[]): Promise<number>
  readStamps(turnIds: readonly string[]): Promise<ReadonlyMap<string, Stamp>>
}

/**
 * Times to go round. The second is needed for whoever was fenced or had been committed before; a third when two copies
 * of one upsert met and the server refused one (a race it tells like a guard's refusal); then something is odd.
 */
const ROUNDS = 4

/**
 * [ST1] Parts first, then headers: a crash in between leaves parts that no header counts. Whatever did not go smoothly
 * is decided by the headers alone [ST4].
 */
export async function commitBatches(
  documents: CommitDocuments,
  batches: readonly FlushBatch[],
): Promise<CommitOutcome[]> {
  const outcomes = new Map<FlushBatch, CommitOutcome>()
  let due = batches
  for (let round = 0; round < ROUNDS && due.length > 0; round++) {
    if (await writeAll(documents, due)) {
      for (const batch of due) outcomes.set(batch, 'committed')
      due = []
    } else due = await undecided(documents, due, outcomes)
  }
  if (due.length > 0)
    throw new RelayError(
      'store_unavailable',
      'The database kept refusing a write that nothing speaks against.',
    )
  return batches.map((batch) => outcomes.get(batch) ?? 'fenced')
}

/** True when every header took its batch. */
async function writeAll(documents: CommitDocuments, due: readonly FlushBatch[]): Promise<boolean> {
  const parts = due.flatMap(partWrites)
  if (parts.length > 0 && !(await documents.writeParts(parts))) return false
  return (await documents.writeHeaders(due.map(headerWrite))) === due.length
}

async function undecided(
  documents: CommitDocuments,
  due: readonly FlushBatch[],
  outcomes: Map<FlushBatch, CommitOutcome>,
): Promise<FlushBatch[]> {
  const stamps = await documents.readStamps(due.map((batch) => batch.turnId))
  return due.filter((batch) => {
    const decision = decide(batch, stamps.get(batch.turnId))
    if (decision !== 'due') outcomes.set(batch, decision)
    return decision === 'due'
  })
}
