import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const OUT = 'dist/bin'
/** These find files of their own beside them, or are more than all the rest and seldom wanted. */
const LEFT_OUT = [/^lmdb$/, /^mongoose$/, /^@lydell\/node-pty$/, /^bufferutil$/, /^utf-8-validate$/]

/**
 * The command line and all it loads, as a few files: one after the other, the 500 files of the relay and its libraries
 * take half of the time in which it starts. What a command loads later stays a file of its own.
 */
const bundle = await rolldown({
  cwd: ROOT,
  input: { 'drone-relay': 'src/main.ts' },
  platform: 'node',
  external: LEFT_OUT,
  logLevel: 'warn',
})
await rm(`${ROOT}/${OUT}`, { recursive: true, force: true })
await bundle.write({ dir: OUT, format: 'esm', chunkFileNames: '[name].js' })
await bundle.close()
