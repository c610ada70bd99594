import { execFile } from 'node:child_process'
import type { Environment } from '@finchat/secrets-core'
import { probeMs } from './time-limit.ts'

/** What git says of a folder. It runs no program that the folder names, and gets none of our variables. */
export interface Git {
  /** Whether git would add this file; false outside a work tree or without git. */
  readonly takes: (path: string) => Promise<boolean>
  /** Whether git leaves this file out; false outside a work tree or without git. */
  readonly ignores: (path: string) => Promise<boolean>
  /** The tracked files of the folder that match. */
  readonly tracked: (pattern: string) => Promise<readonly string[]>
}

export function gitIn(folder: string, env: Environment): Git {
  const run = (args: readonly string[]): Promise<Answer> => answerOf(['-C', folder, '-c', 'core.fsmonitor=false', ...args], env)
  // 0: ignored; 1: not ignored; 128: no work tree
  const checkIgnore = (path: string): Promise<Answer> => run(['check-ignore', '--quiet', '--', path])
  return {
    takes: async (path) => (await checkIgnore(path)).code === 1,
    ignores: async (path) => (await checkIgnore(path)).code === 0,
    tracked: async (pattern) => (await run(['ls-files', '-z', '--', pattern])).stdout.split('\0').filter(Boolean),
  }
}

interface Answer {
  readonly code: unknown
  readonly stdout: string
}

function answerOf(args: readonly string[], { PATH, HOME }: Environment): Promise<Answer> {
  return new Promise((resolve) => {
    execFile('git', [...args], { timeout: probeMs, env: { PATH, HOME, GIT_OPTIONAL_LOCKS: '0' } }, (error, stdout) =>
      resolve({ code: error === null ? 0 : error.code, stdout: error === null ? stdout : '' }),
    )
  })
}
