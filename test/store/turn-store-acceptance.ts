import type { TurnStore } from '../../src/turns/turn-store.ts'
import { acceptAttachments } from './acceptance/attachments.ts'
import { acceptCommits } from './acceptance/commits.ts'
import { acceptLanes } from './acceptance/lanes.ts'
import { acceptLists } from './acceptance/lists.ts'
import { acceptPermissions } from './acceptance/permissions.ts'
import { acceptRegistry } from './acceptance/registry.ts'
import { acceptSearch } from './acceptance/search.ts'
import { acceptTerminals } from './acceptance/terminals.ts'
import { acceptSessions } from './acceptance/sessions.ts'
import { acceptTurns } from './acceptance/turns.ts'

/** A place that keeps what a store wrote after the store is closed. */
export interface StorePlace {
  open(): Promise<TurnStore>
  remove(): Promise<void>
}

/** What the tests below use: the store, and a way to close and open it again. */
export interface StoreUnderTest {
  readonly store: TurnStore
  reopen(): Promise<void>
}

/** What every implementation of TurnStore has to keep, in one place for each of them. */
export function describeTurnStore(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(name, () => {
    let place: StorePlace
    let store: TurnStore

    before(async () => {
      place = await makePlace()
      store = await place.open()
    })
    after(async () => {
      await store.close()
      await place.remove()
    })

    const underTest: StoreUnderTest = {
      get store() {
        return store
      },
      reopen: async () => {
        await store.close()
        store = await place.open()
      },
    }

    acceptTurns(underTest)
    acceptCommits(underTest)
    acceptLanes(underTest)
    acceptLists(underTest)
    acceptSessions(underTest)
    acceptRegistry(underTest)
    acceptPermissions(underTest)
    acceptAttachments(underTest)
    acceptSearch(underTest)
    acceptTerminals(underTest)
  })
}
