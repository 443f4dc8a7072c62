#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { CommanderError, Command } from 'commander'
import { z } from 'zod'
import { addAttach } from './cli/attach.ts'
import { addChat } from './cli/chat.ts'
import { addDemoAgent } from './cli/demo-agent.ts'
import { addDrone } from './cli/drone.ts'
import { addDrones } from './cli/drones.ts'
import { EXIT, ExitError } from './cli/exit.ts'
import { addKeys } from './cli/keys.ts'
import { addSearch } from './cli/search.ts'
import { addServe } from './cli/serve.ts'
import { addSessions } from './cli/sessions.ts'
import { addTurns } from './cli/turns.ts'

function version(): string {
  // From the sources the package file is one folder up, from the built tree two.
  const here = new URL('../package.json', import.meta.url)
  const file = existsSync(here) ? here : new URL('../../package.json', import.meta.url)
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version
}

async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env')
  const program = new Command('drone-relay')
    .description('A durable relay between coding-agent drones and the people who watch, steer and stop them')
    .version(version())
    .exitOverride()
  addServe(program)
  addDrone(program)
  addChat(program)
  addAttach(program)
  addTurns(program)
  addSessions(program)
  addSearch(program)
  addDrones(program)
  addKeys(program)
  addDemoAgent(program)
  for (const command of program.commands) command.exitOverride()
  try {
    await program.parseAsync()
  } catch (error) {
    if (error instanceof ExitError) {
      process.stderr.write(`drone-relay: ${error.message}\n`)
      process.exitCode = error.exitCode
    } else if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
    } else throw error
  }
}

await main()
