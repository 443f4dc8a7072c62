import type { BenchOptions } from '../options.ts'
import { tokenAt } from '../speech.ts'
import { AckedDrone } from './acked-drone.ts'
import { spreadOf } from './crew.ts'
import { Ground, TARGET_COLUMNS, against, load } from './ground.ts'
import type { Measured } from './ground.ts'
import { Rejoiner } from './rejoiner.ts'
import type { Rejoined } from './rejoiner.ts'

/** One conversation: turns that have ended, and a last one that goes on while everybody joins. */
const TURNS = 5
const TURN_UNITS = 40_000
/** A turn by itself, and how often all of it is read. */
const LONG_UNITS = 1_000_000
const LONG_READS = 100
const TOKEN_UNITS = 50
/** Connections that join at the same time. */
const VIEWERS = 20
/** Ms between two words of the last turn. */
const SPEAK_MS = 20

interface Said {
  readonly turnId: string
  readonly drone: AckedDrone
  text: string
}

/** Viewers that come back at any place of any turn: what they get is compared with what was said. */
export async function rejoins(options: BenchOptions): Promise<Measured> {
  const ground = await Ground.open({
    store: options.store,
    cpuProf: options.cpuProf,
    // What is measured is not how long somebody is made to wait who joins in a circle.
    flags: ['--join-every-ms=0'],
  })
  const wrong: string[] = []
  const { url, keys } = ground.relay
  const viewers = Array.from(
    { length: VIEWERS },
    () => new Rejoiner(url, keys.code, (why) => wrong.push(why)),
  )
  const [sender] = viewers
  if (!sender) throw new Error('there is no viewer')
  let tokens = 0
  const say = (said: Said): void => {
    const text = tokenAt(tokens++, TOKEN_UNITS)
    said.text += text
    said.drone.say(text)
  }
  const speak = async (chatSessionId: string, place: number, units: number): Promise<Said> => {
    const droneId = `${chatSessionId}-${place}`
    const drone = new AckedDrone({ url, token: keys.drone, droneId, workspaceId: droneId })
    await drone.welcomed
    const message = { chatSessionId, content: 'go on', messageId: droneId, droneId }
    const { turnId } = await sender.send(message)
    await drone.ordered
    const said: Said = { turnId, drone, text: '' }
    while (said.text.length < units) {
      for (let burst = 0; burst < 100; burst++) say(said)
      await drone.whenAcked(said.text.length)
    }
    return said
  }
  const finish = async ({ drone }: Said): Promise<void> => {
    await drone.end()
    drone.close()
    wrong.push(...drone.wrong)
  }
  try {
    await Promise.all(viewers.map(({ welcomed }) => welcomed))
    const turns: Said[] = []
    for (let place = 0; place < TURNS; place++) {
      const said = await speak('many', place, TURN_UNITS)
      turns.push(said)
      if (place < TURNS - 1) await finish(said)
    }
    const live = turns.at(-1)
    if (!live) throw new Error('nothing was said')
    const long = await speak('long', 0, LONG_UNITS)
    await finish(long)

    const speaking = setInterval(() => say(live), SPEAK_MS)
    const joined = await Promise.all(
      viewers.map(async (viewer, place) => {
        const ms: number[] = []
        for (let index = place; index < options.joins; index += VIEWERS) {
          const first = Math.floor(Math.random() * TURNS)
          const turn = turns[first] as Said
          const offset = Math.floor(Math.random() * (turn.text.length + 1))
          const rejoined = await viewer.join('many', [{ turnId: turn.turnId, attempt: 1, offset }])
          ms.push(rejoined.ms)
          wrong.push(...differences(rejoined, turns.slice(first), offset))
        }
        return ms
      }),
    )
    clearInterval(speaking)
    const atLoad = load()
    const reads: number[] = []
    for (let read = 0; read < LONG_READS; read++) {
      const rejoined = await sender.join('long', [])
      reads.push(rejoined.ms)
      wrong.push(...differences(rejoined, [long], 0))
    }
    await finish(live)
    const joins = spreadOf(joined.flat())
    const whole = spreadOf(reads)
    return {
      title: `rejoins on ${options.store}: ${TURNS} turns of ${TURN_UNITS} units, ${VIEWERS} viewers that join at random places`,
      columns: TARGET_COLUMNS,
      rows: [
        against('joins', 'n', joins.count),
        against('with other words than were said', 'n', wrong.length, 0),
        against('whole, p50', 'ms', joins.p50),
        against('whole, p99', 'ms', joins.p99),
        against(
          `a turn of ${LONG_UNITS} units read from its beginning, p50 of ${whole.count}`,
          'ms',
          whole.p50,
        ),
        against(`a turn of ${LONG_UNITS} units read from its beginning, p99`, 'ms', whole.p99, 500),
        ['load average then', '1 5 15 min', atLoad, '', ''],
      ],
      wrong,
      raw: { joins, whole, load: atLoad },
      ranAs: ground.relay.ranAs,
    }
  } finally {
    for (const viewer of viewers) viewer.close()
    await ground.close()
  }
}

/** Everything after the cursor, of its turn and of every later one, up to the heads that were told. */
function differences({ resume, heads, texts }: Rejoined, turns: readonly Said[], offset: number): string[] {
  return turns.flatMap(({ turnId, text }, index) => {
    const from = index === 0 ? offset : 0
    const point = resume.find((one) => one.turnId === turnId)
    const head = heads.find((one) => one.turnId === turnId)
    if (!point || !head) return [`turn ${index} is missing in the answer, or in what followed`]
    if (point.from !== from) return [`turn ${index} goes on from ${point.from} instead of ${from}`]
    const heard = texts.get(turnId) ?? ''
    return heard === text.slice(from, head.offset) ? [] : [`turn ${index} has other words than were said`]
  })
}
