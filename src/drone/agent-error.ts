import { RequestError } from '@agentclientprotocol/sdk'
import type { InitializeAnswer } from './agent-answer.ts'

/** ACP's code of an agent that wants its user to log in first. */
const AUTH_REQUIRED = -32000

/** What an agent answered instead of what it was asked, in words for the user. */
export function errorWords(method: string, error: unknown, { authMethods }: InitializeAnswer): string {
  if (!(error instanceof RequestError)) return `the agent answered ${method} with something that is not ACP`
  const words = `the agent answered ${method} with an error: ${error.message}${details(error)}`
  if (error.code !== AUTH_REQUIRED) return words
  const ways = (authMethods ?? [])
    .map(({ name, description, id }) => description || name || id)
    .join('; or: ')
  return `${words}. Log in on the machine of the drone first${ways ? `: ${ways}` : ''}`
}

function details({ data }: RequestError): string {
  const found = typeof data === 'object' && data !== null && 'details' in data ? data.details : undefined
  return typeof found === 'string' && found !== '' ? ` (${found})` : ''
}
