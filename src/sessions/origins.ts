import type { IncomingMessage } from 'node:http'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Whether the page behind a request may connect. Checked before the upgrade: `cors` does not guard WebSockets. No
 * Origin means no browser. Our own pages are those of a loopback address on the port they were asked from: any other
 * name might be somebody's that resolves to here, and has to be listed.
 */
export function isAllowedOrigin({ headers }: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = headers
  if (origin === undefined || allowed.includes(origin)) return true
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  return page.host === host && LOOPBACK.has(page.hostname)
}
