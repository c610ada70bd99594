// Looks at the page of examples/nextjs-app in a real browser: a desktop and a dark phone, axe, the
// button, and that nothing which the browser gets holds the secret.
import { createHmac } from 'node:crypto'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { faultsOn, views, widths } from './look.ts'

export interface LookAtLinks {
  readonly url: string
  /** The browser's program. */
  readonly program: string
  readonly secret: string
}

/** Returns what is wrong, one line each. */
export async function lookAtLinks({ url, program, secret }: LookAtLinks): Promise<string[]> {
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
  try {
    const faults: string[] = []
    for (const { width, colorScheme } of views.slice(0, 2)) {
      const context = await browser.newContext({ viewport: widths[width], colorScheme })
      faults.push(...(await lookIn(context, url, secret)).map((fault) => `${width}-${colorScheme}: ${fault}`))
      await context.close()
    }
    return faults
  } finally {
    await browser.close()
  }
}

async function lookIn(context: BrowserContext, url: string, secret: string): Promise<string[]> {
  const page = await context.newPage()
  page.setDefaultTimeout(120_000) // of a busy machine
  const faults: string[] = []
  const bodies: Promise<string>[] = []
  page.on('pageerror', ({ message }) => faults.push(message))
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('response', (response) => bodies.push(response.text().catch(() => '')))
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.push(`asks ${request.url()}`)
  })
  await page.goto(url, { waitUntil: 'networkidle' })
  faults.push(...(await faultsOn(page)), ...(await pressButton(page, secret)), ...(await faultsOn(page)))
  const [read, shown] = [await Promise.all(bodies), await page.content()]
  if (read.length < 3) faults.push(`only ${read.length} answers were read`)
  return [...read, shown].some((text) => text.includes(secret)) ? [...faults, 'the browser got the secret'] : faults
}

/** By the keyboard alone, its link appears. */
async function pressButton(page: Page, secret: string): Promise<string[]> {
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.waitForFunction('document.querySelector("output").textContent !== ""')
  const link = await page.textContent('output')
  const signature = createHmac('sha256', secret).update('2').digest('hex')
  return link?.endsWith(`?order=2&signature=${signature}`) ? [] : [`the button shows ${link}`]
}
