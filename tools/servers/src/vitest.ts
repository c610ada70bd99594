import { describe, expect, test } from 'vitest'
import type { ServerName } from './catalogue.ts'
import { findServer } from './find-server.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Why a suite was not run; the reporter prints it at the end. */
    notRun?: string
  }
}

/**
 * A suite that needs a server, or several. Where one cannot be had it does not run, and the end of the output says so by name, with the
 * reason and what would install it; with `CI` set it fails.
 */
export function describeWithServer(names: ServerName | readonly ServerName[], title: string, suite: () => void): void {
  const missing = [names].flat().map(findServer).find((server) => !server.found)
  if (!missing || missing.found) {
    describe(title, suite)
    return
  }
  const notRun = `${missing.title}: ${missing.reason}. ${missing.remedy}`
  if (process.env['CI']) test(title, () => expect.fail(`this suite needs ${notRun}`))
  else describe(title, { skip: true, meta: { notRun } }, suite)
}
