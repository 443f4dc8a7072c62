import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { open, statfs, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MOUNT = 'mount'
const UNMOUNT = 'umount'

/** Bytes of filler written at a time: much, so that the disk is full from one moment to the next. */
const FILLER = Buffer.alloc(1024 * 1024, 'f')

/** A disk of a few MB that a test fills and empties: a tmpfs, mounted where only this test looks. */
export class SmallDisk {
  readonly path: string
  readonly #filler: string

  private constructor(path: string) {
    this.path = path
    this.#filler = join(path, 'filler')
  }

  /** Undefined where mounting is not allowed. Whoever mounts one removes it. */
  static mount(bytes: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'drone-relay-small-disk-'))
    try {
      execFileSync(MOUNT, ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', path], {
        stdio: 'ignore',
      })
      return new SmallDisk(path)
    } catch {
      rmSync(path, { recursive: true })
      return undefined
    }
  }

  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path)
    return bavail * bsize
  }

  /** To the last page, as others on the same disk may do at any moment. */
  async fill(): Promise<void> {
    const file = await open(this.#filler, 'a')
    try {
      for (;;) await file.write(FILLER)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      await file.close()
    }
  }

  async empty(): Promise<void> {
    await unlink(this.#filler)
  }

  remove(): void {
    // Lazily: what a killed process still had open must not keep it mounted.
    execFileSync(UNMOUNT, ['--lazy', this.path])
    rmSync(this.path, { recursive: true })
  }
}

/** Whether a test that needs one can run here; in continuous integration it has to. */
export function smallDisksExist(): boolean {
  const disk = SmallDisk.mount(FILLER.length)
  disk?.remove()
  if (disk) return true
  if (process.env['REAL_PARTS'] === 'required')
    throw new Error('a tmpfs cannot be mounted here, and every real part is required')
  console.log('left out: a full disk (mounting a tmpfs takes root)')
  return false
}
