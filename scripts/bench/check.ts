import type { Hearing } from './hearing.ts'
import type { Link } from './links.ts'
import type { Speech } from './speech.ts'
import type { Transcript } from './transcript.ts'

/** Ms in which everything that was said must have been heard; a server behind its load needs some. */
const HEAR_OUT_MS = 30_000

/** Whether `promise` resolves in time. */
export function inTime(promise: Promise<unknown>, ms = HEAR_OUT_MS): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), ms)
    promise
      .then(() => resolve(true))
      .catch(reject)
      .finally(() => clearTimeout(timer))
  })
}

/** Ends every turn and waits until every viewer has heard of it. */
export async function hearOut(links: readonly Link[], speeches: readonly Speech[]): Promise<string[]> {
  const ended = speeches.map((speech, index) => inTime(speech.end()).then((ok) => (ok ? [] : [index])))
  const wrong = (await Promise.all(ended))
    .flat()
    .map((index) => `drone ${index}: the end was not taken within ${HEAR_OUT_MS} ms`)
  for (const { name, whenOver } of links.flatMap(({ viewers }) => viewers)) {
    if (!(await inTime(whenOver))) wrong.push(`${name}: no end was heard within ${HEAR_OUT_MS} ms`)
  }
  return wrong
}

/** What the viewers heard and what the store kept, beside what was said. */
export async function compareAll(links: readonly Link[], speeches: readonly Speech[]): Promise<string[]> {
  const wrong: string[] = []
  for (const [index, { viewers, stored }] of links.entries()) {
    const said = speeches[index]?.transcript
    if (!said) throw new Error('every link has a speech')
    for (const viewer of viewers) wrong.push(...viewer.wrong, ...differences(viewer, said))
    if (stored)
      wrong.push(...differences({ name: `the store of turn ${index}`, transcript: await stored() }, said))
  }
  return wrong
}

export async function endAll(links: readonly Link[], speeches: readonly Speech[]): Promise<string[]> {
  return [...(await hearOut(links, speeches)), ...(await compareAll(links, speeches))]
}

function differences({ name, transcript }: Pick<Hearing, 'name' | 'transcript'>, said: Transcript): string[] {
  if (transcript.length !== said.length)
    return [
      `${name}: has ${transcript.length} of ${said.length}: ${said.length - transcript.length} are missing`,
    ]
  if (transcript.digest() !== said.digest()) return [`${name}: has other words than were said`]
  return []
}
