import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Bounds of one look at a workspace, so that a turn in a huge one takes as long as in a small one. */
const FILES = 500
const FOLDERS = 200
const FILE_BYTES = 200 * 1024
const MATCHES = 20
/** Matches of one file: a list of twenty lines of one file says little. */
const FILE_MATCHES = 3

const SKIPPED = new Set(['node_modules', 'dist', 'build', 'target', 'coverage', 'venv', '__pycache__'])

/** Lock files have every word, and nobody looks for it there. */
const UNSEARCHED = /(\.lock|-lock\.\w+|\.min\.\w+)$/

export interface Match {
  readonly path: string
  readonly line: number
  readonly text: string
}

/** A workspace as the demo agent sees it: never written to, and no link is followed. */
export class DemoWorkspace {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Paths of files, those near the root first. What begins with a dot is left alone: it may be secret. */
  async list(): Promise<string[]> {
    const files: string[] = []
    const folders = [this.root]
    for (let seen = 0; seen < FOLDERS && files.length < FILES; seen++) {
      const folder = folders.shift()
      if (folder === undefined) break
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
      for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
        if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue
        if (entry.isDirectory()) folders.push(join(folder, entry.name))
        else if (entry.isFile() && files.length < FILES) files.push(join(folder, entry.name))
      }
    }
    return files
  }

  /** The text of a file as `list` named it; undefined for what is too large, no text, or gone. */
  async read(path: string): Promise<string | undefined> {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined)
    try {
      const stat = await file?.stat()
      if (!file || !stat?.isFile() || stat.size > FILE_BYTES) return undefined
      const text = await file.readFile('utf8')
      return text.includes('\0') ? undefined : text
    } finally {
      await file?.close()
    }
  }

  /** Lines that hold any of the words, as they are found. */
  async *search(files: readonly string[], words: readonly string[]): AsyncGenerator<Match> {
    let found = 0
    for (const path of files) {
      if (UNSEARCHED.test(path)) continue
      for (const match of matchesOf(path, (await this.read(path)) ?? '', words)) {
        yield match
        if (++found === MATCHES) return
      }
    }
  }

  relative(path: string): string {
    return relative(this.root, path)
  }
}

function matchesOf(path: string, text: string, words: readonly string[]): Match[] {
  const lines = text
    .split('\n')
    .map((line, index) => ({ path, line: index + 1, text: line.trim().slice(0, 160) }))
  return lines
    .filter(({ text }) => words.some((word) => text.toLowerCase().includes(word)))
    .slice(0, FILE_MATCHES)
}
