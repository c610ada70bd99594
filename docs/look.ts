// Looks at the built site in a real browser: widths, light and dark, accessibility, the keyboard, the
// search, and that nothing is asked of another server.
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

export interface Look {
  readonly site: string
  /** The browser's program. */
  readonly program: string
  /** Where pictures are put; none by default. */
  readonly pictures?: string | undefined
}

export const widths = { desktop: { width: 1280, height: 900 }, phone: { width: 400, height: 800 } }
/** Both widths and both schemes; all four if pictures are wanted. */
export const views = [
  { width: 'desktop', colorScheme: 'light' },
  { width: 'phone', colorScheme: 'dark' },
  { width: 'desktop', colorScheme: 'dark' },
  { width: 'phone', colorScheme: 'light' },
] as const
/** Of each kind one; more of them if pictures are wanted. */
const pages = ['index', 'runbooks', 'performance', 'reference/@finchat/secrets-otel']
const pagesOfPictures = [...pages, 'start', 'compatibility', 'packages/core', 'reference/@finchat/secrets-core/live']
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

/** Returns what is wrong, one line each. */
export async function lookAt({ site, program, pictures }: Look): Promise<string[]> {
  const server = await serve(site)
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on a port
    const faults: string[] = []
    for (const { width, colorScheme } of pictures === undefined ? views.slice(0, 2) : views) {
      const context = await browser.newContext({ viewport: widths[width], colorScheme })
      faults.push(...(await lookAtAll(context, origin, `${width}-${colorScheme}`, pictures)))
      await context.close()
    }
    return [...faults, ...(await useByKeyboard(browser, origin)), ...(await leaveAndReturn(browser, origin))]
  } finally {
    await browser.close()
    server.close()
  }
}

function serve(site: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname).replace(/\/$/, '/index.html')
    readFile(join(site, path)).then(
      (bytes) => response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

async function lookAtAll(context: BrowserContext, origin: string, name: string, pictures: string | undefined): Promise<string[]> {
  const page = await context.newPage()
  page.setDefaultTimeout(120_000) // of a busy machine
  const faults: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) faults.push(`${name}: asks ${request.url()}`)
  })
  page.on('pageerror', (error) => faults.push(`${name}: ${error.message}`))
  for (const path of pictures === undefined ? pages : pagesOfPictures) {
    await page.goto(`${origin}/${path}.html`, { waitUntil: 'load' })
    faults.push(...(await faultsOn(page)).map((fault) => `${name}, ${path}: ${fault}`))
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${path.replaceAll(/\W+/g, '-')}-${name}.png`) })
  }
  return faults
}

/** What axe finds, and what is wider than the screen. */
export async function faultsOn(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).options({ resultTypes: ['violations'] }).analyze()
  const serious = violations.filter(({ id, impact }) => impact === 'serious' || impact === 'critical' || isOfStructure(id))
  const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  return [
    ...serious.map(({ id, nodes }) => `${id}, ${nodes.length} times, such as ${nodes[0]?.html.slice(0, 120)}`),
    ...(overflow > 0 ? [`it is ${overflow} pixels wider than the screen`] : []),
  ]
}

/** Landmarks and headings, by which a reader of the screen finds the way: axe calls them moderate. */
function isOfStructure(rule: string): boolean {
  return /^(landmark-|region$|page-has-heading-one$|heading-order$|bypass$)/.test(rule)
}

/** The first key leads to the content; the search opens, finds and leads to a page without a mouse. */
async function useByKeyboard(browser: Browser, origin: string): Promise<string[]> {
  const page = await browser.newPage({ viewport: widths.desktop })
  await page.goto(`${origin}/start.html`, { waitUntil: 'networkidle' })
  await page.keyboard.press('Tab')
  const first = await page.evaluate<string>('document.activeElement.textContent')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('AppRole is locked', { delay: 20 })
  await page.waitForSelector('.VPLocalSearchBox .result', { timeout: 20_000 })
  await page.keyboard.press('Enter')
  const found = await page.waitForURL(/runbooks/, { timeout: 20_000 }).then(
    () => [],
    () => [`the search for an AppRole that is locked leads to ${page.url()}`],
  )
  return [...(/skip/i.test(first) ? [] : [`the first key goes to '${first}', not to the content`]), ...found]
}

/** A page that a link leads to, without a load, has its landmarks; so has the first one when the reader is back. */
async function leaveAndReturn(browser: Browser, origin: string): Promise<string[]> {
  const context = await browser.newContext({ viewport: widths.desktop })
  const page = await context.newPage()
  await page.goto(`${origin}/index.html`, { waitUntil: 'networkidle' })
  await page.click('text="Start here"')
  await page.waitForSelector('.VPDoc h1')
  const away = await faultsOn(page)
  await page.goBack()
  await page.waitForSelector('.VPHomeHero')
  const faults = [...away, ...(await faultsOn(page))]
  await context.close()
  return faults.map((fault) => `there and back: ${fault}`)
}
