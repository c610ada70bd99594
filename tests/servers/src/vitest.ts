import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as vitest from 'vitest'
import { type AwsStub, startAwsStub } from './aws-stub.ts'
import { type ServerName, servers } from './catalogue.ts'
import { findServer } from './find-server.ts'
import { type Moto, startMoto } from './moto.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Why a suite was not run; the reporter prints it at the end. */
    notRun?: string
  }
}

/**
 * A suite that needs servers. Without one it does not run: the end of the output names it, with
 * reason and remedy. With `CI` set it fails, unless every system may be without that server.
 */
export function describeWithServer(names: ServerName | readonly ServerName[], title: string, suite: () => void): void {
  describeUnless(missingServer([names].flat()), title, suite)
}

/** A suite that needs something else of the machine: `missing` names it if it is not there. */
export function describeUnless(missing: string | Missing | undefined, title: string, suite: () => void): void {
  if (missing === undefined) return void vitest.describe(title, suite)
  const { needed, isOptional } = typeof missing === 'string' ? { needed: missing, isOptional: false } : missing
  if (process.env['CI'] && !isOptional) vitest.test(title, () => vitest.expect.fail(`this suite needs ${needed}`))
  else vitest.describe(title, { skip: true, meta: { notRun: needed } }, suite)
}

interface Missing {
  readonly needed: string
  /** Every system may be without it. */
  readonly isOptional: boolean
}

function missingServer(names: readonly ServerName[]): Missing | undefined {
  for (const name of names) {
    const server = findServer(name)
    const isOptional = servers[name].isOptional === true
    if (!server.found) return { needed: `${server.title}, but ${server.reason}: ${server.remedy}`, isOptional }
  }
  return undefined
}

/** moto, and a stub before it that records requests and answers by itself if a test says so. */
export interface StubbedMoto {
  readonly moto: () => Moto
  readonly stub: () => AwsStub
}

/** One moto for the tests of a file, emptied before each test, and for each test its own stub. */
export function useMoto(start: () => Promise<Moto> = startMoto): StubbedMoto {
  let moto: Moto | undefined
  let stub: AwsStub | undefined
  vitest.beforeAll(async () => void (moto = await start()))
  vitest.afterAll(() => moto?.stop())
  vitest.beforeEach(async () => {
    await moto?.reset()
    stub = await startAwsStub('pass', moto && { target: moto.url })
  })
  vitest.afterEach(() => stub?.stop())
  return { moto: () => started(moto), stub: () => started(stub) }
}

function started<T>(server: T | undefined): T {
  if (server === undefined) throw new Error('it is started before a test')
  return server
}

/** Serves this by plain HTTP until the test ends; returns the URL. */
export async function serverThat(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vitest.onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on a port
}
