import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { LineProcess } from './lines.ts'

const GUIDE = fileURLToPath(new URL('../../docs/guide/', import.meta.url))
/** Within the package, so that its own name leads to what is built. */
const BUILT = fileURLToPath(new URL('../../dist/guide/', import.meta.url))

export interface GuideEnv {
  readonly RELAY_URL: string
  readonly RELAY_KEY: string
  readonly STATE_DIR: string
}

/** Runs the one program of a page of docs/guide. */
export async function guideProgram(page: string, env: GuideEnv): Promise<LineProcess> {
  const text = await readFile(join(GUIDE, page), 'utf8')
  const blocks = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code)
  expect(blocks, page).to.have.lengthOf(1)
  await mkdir(BUILT, { recursive: true })
  const file = join(BUILT, page.replace('.md', '.mjs'))
  await writeFile(file, blocks.join('\n'))
  return new LineProcess({ command: process.execPath, args: [file], env: { ...env } })
}

export function removeGuidePrograms(): Promise<void> {
  return rm(BUILT, { recursive: true, force: true })
}
