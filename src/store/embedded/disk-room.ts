import { statSync, statfsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { RelayError } from '../../protocol/errors.ts'
import type { WriteSize } from './write-size.ts'

/** Bytes and share of the disk that stay free, whichever is less: the rest of the machine needs some too. */
const KEPT_BYTES = 256 * 1024 * 1024
const KEPT_SHARE = 0.05

/** Pages that one changed place may copy: the way from a tree's root to its leaf, with a leaf that splits. */
const PATH_PAGES = 4
/** Pages that any commit may need besides: LMDB's own lists of free pages, and the roots of all tables. */
const SPARE_PAGES = 64
/** Pages are at worst half full: by splits, and by texts that are just too long for half a page. */
const FILL = 2

/** Bytes beyond what stays free that others will not have taken before a commit is over. */
const AMPLE_BYTES = 1024 * 1024 * 1024

/** Bytes by which the file is lengthened at least: a write of zeros every so often, and not with every commit. */
const STEP_BYTES = 256 * 1024
const ZEROS = Buffer.alloc(STEP_BYTES)

/** What a full disk says, and a user who has used up a share of one. */
const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT'])

/** What LMDB has used of its file; further pages come after these. */
export interface UsedPages {
  readonly pages: number
  readonly pageBytes: number
}

export interface DiskRoomOptions {
  /** The data file. */
  readonly file: string
  readonly folder: string
  /** Bytes to keep free, in place of the rule above. */
  readonly minFreeBytes?: number | undefined
}

/**
 * Whether there is room to write. LMDB must never find out by itself that there is none: its failing writes put more
 * into a buffer than that holds. So where the disk is small or nearly full, the file gets its length before the commit
 * that needs it, from us.
 */
export class DiskRoom {
  readonly #options: DiskRoomOptions

  constructor(options: DiskRoomOptions) {
    this.#options = options
  }

  /** Whether so many bytes can be taken and what is to stay free stays free. */
  isEnough(bytes = 0): boolean {
    const { bavail, blocks, bsize } = lookAt(() => statfsSync(this.#options.folder))
    const kept = this.#options.minFreeBytes ?? Math.min(KEPT_BYTES, blocks * bsize * KEPT_SHARE)
    return bavail * bsize - bytes >= kept
  }

  /**
   * [ST19] Answers true once there is so much room, in the file behind its last page or plainly on the disk, that a
   * commit finds no full disk, whoever else fills it meanwhile. Called between transactions: then nothing behind that
   * page is LMDB's.
   */
  async reserve(size: WriteSize, used: UsedPages): Promise<boolean> {
    if (!this.isEnough()) return false
    const growth = growthOf(size, used)
    if (this.isEnough(growth + AMPLE_BYTES)) return true
    const { size: length } = lookAt(() => statSync(this.#options.file))
    const missing = used.pages * used.pageBytes + growth - length
    if (missing <= 0) return true
    if (!this.isEnough(missing)) return false
    return this.#lengthen(length, this.isEnough(missing + STEP_BYTES) ? missing + STEP_BYTES : missing)
  }

  async #lengthen(length: number, bytes: number): Promise<boolean> {
    const file = await open(this.#options.file, 'r+').catch(refuse)
    try {
      for (let position = length; position < length + bytes;) {
        const step = Math.min(ZEROS.length, length + bytes - position)
        position += (await file.write(ZEROS, 0, step, position)).bytesWritten
      }
      return true
    } catch (error) {
      if (FULL.has((error as NodeJS.ErrnoException).code)) return false
      return refuse(error)
    } finally {
      await file.close()
    }
  }
}

/** Bytes by which a commit may lengthen the file at most. LMDB copies what it changes, and copies no page twice. */
export function growthOf({ places, bytes }: WriteSize, { pages, pageBytes }: UsedPages): number {
  return (Math.min(places * PATH_PAGES, pages) + SPARE_PAGES) * pageBytes + FILL * bytes
}

function lookAt<T>(look: () => T): T {
  try {
    return look()
  } catch (cause) {
    return refuse(cause)
  }
}

function refuse(cause: unknown): never {
  throw new RelayError('store_unavailable', 'The disk of the data folder does not answer.', {
    cause,
    level: 'error',
  })
}
