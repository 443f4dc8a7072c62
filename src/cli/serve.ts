import { Option } from 'commander'
import type { Command } from 'commander'
import { OPTIONS, flagOf, optionNames } from '../config.ts'
import type { OptionName } from '../config.ts'

export type ServeFlags = Partial<Record<OptionName, string>> & { demoDrone?: boolean; json?: boolean }

/** `serve`: the relay itself, with every option of the configuration as a flag. */
export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('start the relay')
    .showHelpAfterError('(--help lists the options)')
  for (const name of optionNames()) {
    const { env, default: fallback, unit, reason } = OPTIONS[name]
    const text = `${reason} (${unit}; ${env}; default: ${fallback === '' ? 'none' : fallback})`
    command.addOption(new Option(`${flagOf(name)} <value>`, text))
  }
  command
    .option(
      '--demo-drone',
      'also start a drone on this machine that hosts the demo agent in the current folder',
    )
    .option('--json', 'write the address as JSON, and the log as JSON lines')
    .addHelpText('after', environmentTable())
    .action(async (flags: ServeFlags) => {
      const { serve } = await import('./run-serve.ts')
      await serve(flags)
    })
}

function environmentTable(): string {
  const rows = optionNames().map((name) => {
    const { env, default: fallback, unit } = OPTIONS[name]
    return `  ${env.padEnd(24)}${(fallback === '' ? 'none' : fallback).padEnd(22)}${unit}`
  })
  return `\nEnvironment (a flag goes before its variable):\n${rows.join('\n')}\n`
}
