import { Follower } from './follower.ts'
import type { FollowerOptions } from './follower.ts'

/** One follower a watched session, as long as somebody watches. */
export class Followers {
  readonly #options: Omit<FollowerOptions, 'chatSessionId' | 'onIdle'>
  readonly #followers = new Map<string, Follower>()

  constructor(options: Omit<FollowerOptions, 'chatSessionId' | 'onIdle'>) {
    this.#options = options
  }

  of(chatSessionId: string): Follower {
    let follower = this.#followers.get(chatSessionId)
    if (!follower) {
      const made = new Follower({ ...this.#options, chatSessionId, onIdle: () => this.#drop(made) })
      follower = made
      this.#followers.set(chatSessionId, made)
    }
    return follower
  }

  find(chatSessionId: string): Follower | undefined {
    return this.#followers.get(chatSessionId)
  }

  close(): void {
    for (const follower of this.#followers.values()) follower.close()
    this.#followers.clear()
  }

  #drop(follower: Follower): void {
    follower.close()
    this.#followers.delete(follower.chatSessionId)
  }
}
