import { statfsSync } from 'node:fs'

/** Bytes and share of the disk that stay free, whichever is less: LMDB corrupts its heap when a write finds no room. */
const KEPT_BYTES = 256 * 1024 * 1024
const KEPT_SHARE = 0.05

/** How long a look at the disk counts, in ms: others fill it too, and at 2 GB/s the reserve is not gone sooner. */
const LOOK_MS = 100

/** Commits that one look may cover: each may grow the file by some MB. */
const LOOK_COMMITS = 16

export interface DiskRoomOptions {
  readonly path: string
  /** Bytes to keep free, in place of the rule above. */
  readonly minFreeBytes?: number | undefined
  /** Monotonic ms. */
  readonly now: () => number
}

/** Whether there is room for another commit, looked up now and then. */
export class DiskRoom {
  readonly #path: string
  readonly #minFreeBytes: number | undefined
  readonly #now: () => number
  #enough = true
  #lookedAt = Number.NEGATIVE_INFINITY
  #commits = 0

  constructor(options: DiskRoomOptions) {
    this.#path = options.path
    this.#minFreeBytes = options.minFreeBytes
    this.#now = options.now
  }

  /** Asked once before every commit. */
  isEnough(): boolean {
    const now = this.#now()
    if (++this.#commits < LOOK_COMMITS && now - this.#lookedAt < LOOK_MS) return this.#enough
    this.#lookedAt = now
    this.#commits = 0
    const { bavail, blocks, bsize } = statfsSync(this.#path)
    const kept = this.#minFreeBytes ?? Math.min(KEPT_BYTES, blocks * bsize * KEPT_SHARE)
    this.#enough = bavail * bsize >= kept
    return this.#enough
  }
}
