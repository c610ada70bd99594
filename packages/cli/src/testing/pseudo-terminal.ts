import { spawn } from '@lydell/node-pty'
import headless from '@xterm/headless'
import { expect } from 'vitest'
import { programArgs, withoutCache } from './child.ts'

/** A program in a real pseudo-terminal, with its screen. */
export interface PseudoTerminal {
  /** Of the program. */
  readonly pid: number
  /** Everything that the program wrote, with its escape sequences. */
  readonly output: () => string
  /** The lines of the screen as a person sees them. */
  readonly screen: () => Promise<string>
  /** Waits until the screen shows this text. */
  readonly shows: (text: string) => Promise<void>
  readonly type: (text: string) => void
  readonly resize: (columns: number, rows: number) => void
  readonly exitCode: Promise<number>
}

interface Where {
  readonly cwd: string
  readonly env?: Record<string, string>
  readonly columns?: number
}

/** The program from its sources. */
export function openProgram(args: readonly string[], where: Where): PseudoTerminal {
  return openTerminal(process.execPath, [...programArgs, ...args], where)
}

export function openTerminal(file: string, args: readonly string[], { cwd, env = {}, columns = 80 }: Where): PseudoTerminal {
  const size = { cols: columns, rows: 24 }
  const program = spawn(file, [...args], {
    ...size,
    cwd,
    env: { PATH: '/usr/bin:/bin', TERM: 'xterm-256color', ...withoutCache, ...env },
    name: 'xterm-256color',
  })
  const view = new headless.Terminal({ ...size, allowProposedApi: true })
  const written: string[] = []
  program.onData((data) => {
    written.push(data)
    view.write(data)
  })
  const screen = async (): Promise<string> => {
    await new Promise<void>((resolve) => view.write('', resolve))
    const lines = Array.from(
      { length: view.buffer.active.length },
      (_, index) => view.buffer.active.getLine(index)?.translateToString(true) ?? '',
    )
    return lines.join('\n').trimEnd()
  }
  return {
    pid: program.pid,
    output: () => written.join(''),
    screen,
    shows: async (text) => expect.poll(screen).toContain(text),
    type: (text) => program.write(text),
    resize: (cols, rows) => {
      program.resize(cols, rows)
      view.resize(cols, rows)
    },
    exitCode: new Promise((resolve) => program.onExit(({ exitCode }) => resolve(exitCode))),
  }
}
