import * as vitest from 'vitest'
import type { ServerName } from './catalogue.ts'
import { findServer } from './find-server.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Why a suite was not run; the reporter prints it at the end. */
    notRun?: string
  }
}

/**
 * A suite that needs servers. Without one it does not run: the end of the output names it, with
 * reason and remedy. With `CI` set it fails.
 */
export function describeWithServer(names: ServerName | readonly ServerName[], title: string, suite: () => void): void {
  const missing = missingServer([names].flat())
  if (missing === undefined) vitest.describe(title, suite)
  else if (process.env['CI']) vitest.test(title, () => vitest.expect.fail(`this suite needs ${missing}`))
  else vitest.describe(title, { skip: true, meta: { notRun: missing } }, suite)
}

function missingServer(names: readonly ServerName[]): string | undefined {
  for (const name of names) {
    const server = findServer(name)
    if (!server.found) return `${server.title}, but ${server.reason}: ${server.remedy}`
  }
  return undefined
}
