// Writes what is made from src/config.ts: .env.example, and the table of options in README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { envExample, withOptions } from './options.ts'

writeFileSync('.env.example', envExample())
writeFileSync('README.md', withOptions(readFileSync('README.md', 'utf8')))
