import type { ChildProcess } from 'node:child_process'
import { pause } from '@finchat/secrets-core/provider'
import { endingOf, hasEnded, signalChild } from './start-child.ts'

/** So long the system may take to end a child by SIGKILL. */
const killedMs = 5_000

/** Ends a child by SIGTERM, and after a while by SIGKILL. Returns false if it runs on, as sudo does, which may not be killed. */
export async function endChild(child: ChildProcess, killAfterMs: number, warn: (text: string) => void): Promise<boolean> {
  const ended = endingOf(child)
  child.kill('SIGTERM')
  signalChild(child, 'SIGCONT') // it may be stopped
  await pause(killAfterMs, undefined, ended)
  if (hasEnded(child)) return true
  warn(`the command did not end within ${killAfterMs / 1_000} s of SIGTERM, and is killed`)
  child.kill('SIGKILL')
  await pause(killedMs, undefined, ended)
  if (!hasEnded(child)) warn('the command could not be killed: it keeps its values until a later restart succeeds')
  return hasEnded(child)
}
