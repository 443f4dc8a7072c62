/** A load process of the reliability scenarios: it does what its parent asks, one question after the other. */
import { Crew } from './crew-work.ts'
import type { Answer, Ask, CommandName, FromCrew, ToCrew } from './crew-spec.ts'

const crew = new Crew()
const commands: { [Name in CommandName]: (ask: Ask<Name>) => Promise<Answer<Name>> } = {
  open: (spec) => crew.open(spec),
  spares: (spec) => crew.spares(spec),
  speak: async ({ rate }) => crew.speak(rate),
  quiet: () => crew.quiet(),
  reset: async () => crew.reset(),
  figures: async () => crew.figures(),
  caughtUp: ({ since, limitMs }) => crew.caughtUp(since, limitMs),
  orders: async () => crew.orders(),
  freeze: ({ codeUrl, code, sessions, reads }) => crew.freeze(codeUrl, code, sessions, reads),
  end: () => crew.end(),
}

function tell(message: FromCrew): void {
  process.send?.(message)
}

process.on('message', ({ id, name, ask }: ToCrew) => {
  const command = commands[name] as (ask: unknown) => Promise<unknown>
  command(ask)
    .then((answer) => tell({ id, answer }))
    .catch((error: unknown) =>
      tell({ id, failed: error instanceof Error ? String(error.stack) : String(error) }),
    )
})
// The bench may die first.
process.on('disconnect', () => process.exit())
