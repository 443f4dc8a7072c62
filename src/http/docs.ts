import type { Express } from 'express'
import { asyncApi } from './asyncapi.ts'
import { openApi } from './openapi.ts'
import type { Route } from './route.ts'

/** `/openapi.json`, `/asyncapi.json`, and `/docs`, which shows both to people: without a key, for they say nothing of anybody. */
export function addDocs(app: Express, routes: readonly Route[]): void {
  // Made when somebody asks: it takes longer than a start may.
  const made: { open?: object; async?: object } = {}
  const open = (): object => (made.open ??= openApi(routes))
  const events = (): object => (made.async ??= asyncApi())
  app.get('/openapi.json', (_request, response) => {
    response.json(open())
  })
  app.get('/asyncapi.json', (_request, response) => {
    response.json(events())
  })
  app.get('/docs', (_request, response) => {
    response.type('html').send(page(routes, events() as Events))
  })
}

interface Events {
  readonly channels: Readonly<
    Record<
      string,
      { readonly address: string; readonly messages: Readonly<Record<string, { name: string }>> }
    >
  >
}

/** A list of all there is, without a script and without anything from elsewhere. */
function page(routes: readonly Route[], { channels }: Events): string {
  const rows = routes.map(
    ({ spec: { method, path, summary, keys } }) =>
      `<tr><td><code>${method.toUpperCase()}</code></td><td><code>/api/v1${escaped(path)}</code></td><td>${escaped(summary)}</td><td>${keys.join(', ')}</td></tr>`,
  )
  const events = Object.values(channels).map(({ address, messages }) => {
    const names = (direction: string): string =>
      Object.entries(messages)
        .filter(([key]) => key.startsWith(direction))
        .map(([, { name }]) => `<code>${escaped(name)}</code>`)
        .join(' ')
    return `<h3>${escaped(address)}</h3><p>The relay takes ${names('up')}</p><p>The relay says ${names('down')}</p>`
  })
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>drone-relay: its interfaces</title></head><body>
<h1>drone-relay</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a> (HTTP) and <a href="/asyncapi.json">asyncapi.json</a> (Socket.IO events).</p>
<h2>HTTP</h2><table><thead><tr><th>Method</th><th>Path</th><th>What it does</th><th>Keys</th></tr></thead><tbody>${rows.join('')}</tbody></table>
<h2>Events</h2>${events.join('')}
</body></html>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
