import { OPTIONS, flagOf, optionNames } from '../../src/config.ts'

const TABLE = /<!-- options -->[\s\S]*<!-- \/options -->/

/** The text of `.env.example`: every option, commented out, at its default. */
export function envExample(): string {
  const options = optionNames().map((name) => {
    const { env, default: fallback, unit, reason } = OPTIONS[name]
    return `# ${reason} (${unit})\n# ${env}=${fallback}\n`
  })
  const head =
    '# Every option of the relay at its default. Copy to .env and take the # away from what you change.'
  return `${head}\n\n${options.join('\n')}`
}

/** The README with its table of options as they are now. */
export function withOptions(readme: string): string {
  const rows = optionNames().map((name) => {
    const { env, default: fallback, unit, reason } = OPTIONS[name]
    const value = fallback === '' ? 'none' : `\`${fallback}\``
    return `| \`${env}\` | \`${flagOf(name)}\` | ${value} | ${unit} | ${reason} |`
  })
  const table = ['| variable | flag | default | unit | |', '|---|---|---|---|---|', ...rows].join('\n')
  return readme.replace(TABLE, `<!-- options -->\n${table}\n<!-- /options -->`)
}
