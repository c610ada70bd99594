// A runner of Lambda functions: a child imports the bundle and calls its handler for each event.
// SIGSTOP stands for the freeze between two invocations, SIGCONT for the thaw.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Tally } from '../tally.ts'
import type { Bundle } from './matrix.ts'
import { build, type Place } from './run-bundle.ts'
import { awsSecret, credentials, type Stores } from './stores.ts'
import type { Tool } from './tools.ts'

const ttlSeconds = 1
/** Longer than the TTL, and than the deadline of a call and the second after which a freeze is seen. */
const frozenMs = 4_000

const bootstrap = `
const { handler } = await import(process.argv[1])
process.send({ ready: performance.now() })
process.on('message', async (event) => process.send(await handler(event).catch(({ code, message }) => ({ code, message }))))`

class LambdaRun {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when the init phase is over. */
  static async init(file: string, env: Readonly<Record<string, string>>): Promise<LambdaRun> {
    const args = ['--input-type=module', '--eval', bootstrap, '--', pathToFileURL(file).href]
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'], timeout: 60_000 })
    const run = new LambdaRun(child)
    await run.#message()
    return run
  }

  async invoke(): Promise<string> {
    const answer = this.#message()
    this.#child.send({})
    return JSON.stringify(await answer)
  }

  async freeze(ms: number): Promise<void> {
    this.#child.kill('SIGSTOP')
    await sleep(ms)
    this.#child.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  async #message(): Promise<unknown> {
    const [message] = (await Promise.race([once(this.#child, 'message'), this.#ended()])) as unknown[] // what `once` resolves to
    return message
  }

  async #ended(): Promise<never> {
    const [status] = (await once(this.#child, 'exit')) as [number | null] // as Node.js documents it
    throw new Error(`the function ended with ${status}`)
  }
}

const answerOf = (length: number): string => JSON.stringify({ statusCode: 200, body: `a token of ${length} characters` })

interface Parts {
  readonly stores: Stores
  readonly tally: Tally
  /** Why a tool cannot be had. */
  readonly lacks: ReadonlyMap<Tool, string | undefined>
}

/** Each promise of docs/bundling-and-lambda.md, on a bundle of each format. */
export async function lambdaChecks(bundles: readonly Bundle[], place: Place, { stores, tally, lacks }: Parts): Promise<void> {
  for (const bundle of bundles) {
    const lack = lacks.get(bundle.bundler)
    if (lack !== undefined) {
      tally.notRun(`${bundle.bundler}, ${bundle.format}`, lack)
      continue
    }
    const built = build(bundle, place)
    if (!tally.add(Array.isArray(built) ? built : []) || Array.isArray(built)) continue
    console.log(`${bundle.bundler}, ${bundle.format}: ${built.bytes} bytes, minified`)
    const file = join(built.folder, ...globSync(bundle.run, { cwd: built.folder }))
    for (const [title, check] of Object.entries(checks)) {
      await tally.timed(`${bundle.bundler}, ${bundle.format}: ${title}`, () => runCheck(file, stores, check))
    }
  }
}

type Check = (run: LambdaRun, stores: Stores) => Promise<readonly [expected: string, found: string][]>

async function runCheck(file: string, stores: Stores, check: Check): Promise<string[]> {
  stores.aws.plan(awsSecret('prod/FINCHAT_TOKEN', 'first'))
  const endpoint = { AWS_ENDPOINT_URL_SECRETS_MANAGER: stores.aws.url, AWS_REGION: 'eu-west-1', ...credentials }
  const run = await LambdaRun.init(file, { ...endpoint, SECRET_TTL_SECONDS: String(ttlSeconds) })
  try {
    const compared = await check(run, stores)
    return compared.filter(([expected, found]) => expected !== found).map(([expected, found]) => `${found}, not ${expected}`)
  } finally {
    await run.stop()
  }
}

const checks: Readonly<Record<string, Check>> = {
  'init asks no store, the first invocation asks once': async (run, { aws }) => {
    const before = aws.requests().length
    const afterInit = aws.requests().length - before
    const answers = [await run.invoke(), await run.invoke()]
    const asked = aws.requests().length - before
    return [
      ['0 requests', `${afterInit} requests`],
      [answers.map(() => answerOf(5)).join(), answers.join()],
      ['1 requests', `${asked} requests`],
    ]
  },
  'a value outlives no freeze longer than its TTL': async (run, { aws }) => {
    const before = await run.invoke()
    aws.plan(awsSecret('prod/FINCHAT_TOKEN', 'rotated'))
    await run.freeze(frozenMs)
    return [
      [answerOf(5), before],
      [answerOf(7), await run.invoke()],
    ]
  },
  'an invocation that is frozen asks once more': async (run, { aws }) => {
    let asked = 0
    aws.plan(async () => {
      asked += 1
      if (asked === 1) await run.freeze(frozenMs)
      return awsSecret('prod/FINCHAT_TOKEN', asked === 1 ? 'first' : 'rotated')
    })
    return [[`${answerOf(7)} by 2 requests`, `${await run.invoke()} by ${asked} requests`]]
  },
}
