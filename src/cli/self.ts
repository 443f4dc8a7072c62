/** Arguments to Node for this same command line with other words: as sources, as built files, and as one file of all. */
export function selfArgs(...words: string[]): string[] {
  const [, main = ''] = process.argv
  return [...process.execArgv, main, ...words]
}
