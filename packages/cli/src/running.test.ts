import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { programArgs } from './testing/child.ts'
import { makeProject } from './testing/make-project.ts'
import { openProgram, openTerminal, type PseudoTerminal } from './testing/pseudo-terminal.ts'
import { localConfig, makeProgram, type Program, programIn } from './testing/run-program.ts'

const canary = 'canary-4711'

interface Running {
  readonly process: ChildProcess
  /** What it wrote to stdout and stderr so far. */
  readonly output: () => string
  readonly shows: (text: string) => Promise<void>
  /** How it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
}

interface Options {
  readonly cwd: string
  readonly env: Record<string, string>
  readonly args?: readonly string[]
  /** Starts the program, which follows as its arguments. */
  readonly shell?: readonly string[]
  readonly options?: SpawnOptions
}

/** A project whose provider of variables has the secret TOKEN. */
function project(): Options {
  const cwd = makeProject({ 'finchat-secrets.config.json': '{"secrets":{"TOKEN":{}}}' })
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  return { cwd, env: { PATH: '/usr/bin:/bin', TOKEN: canary } }
}

/** Runs a script of the shell by the program. */
function start(script: string, { cwd, env, args = [], shell = [], options = {} }: Options): Running {
  const program = [process.execPath, ...programArgs, 'run', ...args, '--', '/bin/sh', '-c', script]
  const [file = '', ...rest] = [...shell, ...program]
  const child = spawn(file, rest, { ...options, cwd, env, stdio: 'pipe' })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const output = (): string => Buffer.concat(chunks).toString()
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    process: child,
    output,
    shows: async (text) => expect.poll(output, { interval: 20 }).toContain(text),
    ended: once(child, 'close').then(([code, signal]) => ({ code, signal })),
  }
}

/** Ends with the program, also where a test ends that by SIGKILL. */
const wait = 'while kill -0 $PPID 2>/dev/null; do sleep 0.02; done'

/**
 * Starts the program in a process group of its own, and watches it: Linux discards SIGTSTP where no
 * shell of the session does, as in a CI job. With job control on, a stop would break the loop.
 */
const watching = [
  'bash',
  '--norc',
  '-c',
  'set -m; "$@" & set +m; echo "program $!"; while kill -0 $!; do sleep 0.05; done; wait $!',
  'bash',
]

describe('a signal to the program', () => {
  const signals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const

  it('reaches the command, which decides', async () => {
    const traps = signals.map((signal) => `trap 'echo ${signal}' ${signal.slice(3)}`).join(';')
    const running = start(`${traps}; trap 'exit 7' TERM; echo ready; ${wait}`, project())
    await running.shows('ready\n')
    for (const signal of signals) {
      running.process.kill(signal)
      await running.shows(`${signal}\n`)
    }
    running.process.kill('SIGTERM')
    expect(await running.ended).toEqual({ code: 7, signal: null })
    expect(running.output()).toBe(`ready\n${signals.join('\n')}\n`)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const)(
    'reaches the command once without a terminal, also if it is sent to the whole process group: %s',
    async (signal) => {
      const running = start(`trap 'echo got' ${signal.slice(3)}; echo ready; ${wait}`, { ...project(), options: { detached: true } })
      const { pid = 0 } = running.process
      const received = (): number => running.output().split('got\n').length - 1
      await running.shows('ready\n')
      await expect.poll(() => witnessOf(pid)).toBeDefined()
      for (const [target, times] of [
        [-pid, 1],
        [pid, 2],
      ] as const) {
        process.kill(target, signal)
        await expect.poll(received, { interval: 20 }).toBe(times)
        await pause(300)
        expect(received()).toBe(times)
        await expect.poll(() => witnessOf(pid)).toBeDefined()
      }
      process.kill(-pid, 'SIGKILL')
    },
  )

  it('stops the command with it, and lets both go on', async () => {
    const running = start(`echo "command $$"; ${wait}`, { ...project(), shell: watching })
    await running.shows('command ')
    const pidOf = (what: string): number => Number(new RegExp(`${what} (\\d+)`).exec(running.output())?.[1])
    const [program, command] = [pidOf('program'), pidOf('command')]
    onTestFinished(() => [program, command].forEach((pid) => kill(pid, 'SIGKILL')))
    const states = (): string[] => [program, command].map(stateOf)
    kill(program, 'SIGTSTP')
    await expect.poll(states).toEqual(['T', 'T'])
    kill(program, 'SIGCONT')
    await expect.poll(states).not.toContain('T')
    kill(program, 'SIGTERM')
    expect((await running.ended).code).toBe(128 + 15)
    expect(states()).toEqual(['gone', 'gone'])
  })

  it.each<[string, string, Partial<SpawnOptions>]>([
    ['that stops none of its process group, which no shell watches', wait, { detached: true }],
    ['that the command does not stop for', `trap 'echo stop' TSTP; ${wait}`, {}],
  ])('%s does not stop the program either', async (_, script, options) => {
    const isDetached = options.detached === true
    const running = start(`echo "command $$"; ${script}`, { ...project(), ...(isDetached ? { options } : { shell: watching }) })
    await running.shows('command ')
    const program = isDetached ? (running.process.pid ?? 0) : Number(/program (\d+)/.exec(running.output())?.[1])
    kill(program, 'SIGTSTP')
    await pause(1_500)
    expect(stateOf(program)).toBe('S')
    kill(program, 'SIGTERM')
    expect((await running.ended).code).toBe(isDetached ? null : 143)
  })

  it('ends it at once while it reads the secrets', async () => {
    const sockets = new Set<{ destroy: () => void }>()
    const server = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    await once(server, 'listening')
    const { port } = server.address() as { port: number } // of TCP
    const { cwd, env } = project()
    const vault = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_VAULT_URL: `http://127.0.0.1:${port}`, FINCHAT_VAULT_TOKEN: 'hvs.x' }
    const running = start('echo started', { cwd, env: { ...env, ...vault } })
    await once(server, 'connection')
    running.process.kill('SIGINT')
    expect(await running.ended).toEqual({ code: null, signal: 'SIGINT' })
    expect(running.output()).toBe('')
  })
})

/** As /proc has it: T is stopped. */
function stateOf(pid: number): string {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return 'gone'
  return readFileSync(file, 'utf8')
    .replace(/^.*\) /s, '')
    .charAt(0)
}

/** The process that tells of signals to the whole group. */
function witnessOf(pid: PseudoTerminal['pid']): string | undefined {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').find(isCat)
}

function isCat(pid: string): boolean {
  return existsSync(`/proc/${pid}/comm`) && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'cat\n'
}

function kill(pid: number, signal: NodeJS.Signals): void {
  if (stateOf(pid) !== 'gone') process.kill(pid, signal)
}

describe('a command that ends by a signal', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'])('ends the program by it: %s', async (signal) => {
    const running = start(`kill -${signal.slice(3)} $$; sleep 5`, project())
    expect(await running.ended).toEqual({ code: null, signal })
  })

  it.each([
    ['SIGSEGV', 139],
    ['SIGUSR1', 138],
  ])('gives the exit code of shells, where a core file would hold the values: %s', async (signal, code) => {
    const running = start(`ulimit -c 0; kill -${signal.slice(3)} $$; sleep 5`, project())
    expect(await running.ended).toEqual({ code, signal: null })
  })
})

describe('the output', () => {
  it('appears as it comes, a prompt without a newline too', async () => {
    const running = start(`printf 'Password: '; ${wait}`, project())
    await expect.poll(running.output).toBe('Password: ')
  })

  it('ends as its reader does: the command hears of it', async () => {
    const running = start('trap "" PIPE; while echo y; do :; done 2>/dev/null; exit 9', project())
    running.process.stdout?.once('data', () => running.process.stdout?.destroy())
    expect(await running.ended).toEqual({ code: 9, signal: null })
  })

  it('waits for a slow reader, and loses nothing', async () => {
    const lines = 200_000
    const running = start(`i=0; while [ $i -lt ${lines / 1_000} ]; do printf '%04000d' 0; i=$((i+1)); done; echo "$TOKEN"`, project())
    running.process.stdout?.pause()
    setTimeout(() => running.process.stdout?.resume(), 300)
    expect(await running.ended).toEqual({ code: 0, signal: null })
    expect(running.output()).toBe(`${'0'.repeat(4_000 * (lines / 1_000))}[redacted TOKEN]\n`)
  })

  it('that nobody reads does not keep a signal from the command', async () => {
    const { cwd, env } = project()
    // In a second the output is full. A shell that writes itself would hear of the signal only after that.
    const writer = 'trap "exit 4" TERM; while :; do echo y; done & sleep 1; echo ready >&2; wait'
    const child = spawn(process.execPath, [...programArgs, 'run', '--', '/bin/sh', '-c', writer], { cwd, env })
    onTestFinished(() => void child.kill('SIGKILL'))
    child.stdout.pause()
    await once(child.stderr, 'data')
    child.kill('SIGTERM')
    setTimeout(() => child.stdout.destroy(), 500)
    expect(await once(child, 'exit')).toEqual([4, null])
  })

  it('is not touched if it must not be', async () => {
    const running = start('echo "$TOKEN"', { ...project(), args: ['--no-redact'] })
    expect(await running.ended).toEqual({ code: 0, signal: null })
    expect(running.output()).toBe(`${canary}\n`)
  })

  it('of a store is in no argument, environment or file of the program', async () => {
    const program = withStore()
    await program.run(['set', 'TOKEN'], canary)
    const temporary = makeProject({})
    onTestFinished(() => rmSync(temporary, { recursive: true }))
    const env = { APP_KEY: program.key, PATH: '/usr/bin:/bin', TMPDIR: temporary, HOME: temporary }
    const running = start(`echo "got $TOKEN"; ${wait}`, { cwd: program.folder, env })
    await running.shows('got [redacted TOKEN]')
    const shown = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${running.process.pid}/${name}`, 'utf8')).join('')
    expect(shown).toContain('run')
    expect(shown).not.toContain(canary)
    const files = globSync(join(temporary, '**'), { withFileTypes: true }).filter((entry) => entry.isFile()) // the compile cache
    for (const { parentPath, name } of files) expect(readFileSync(join(parentPath, name)).includes(canary)).toBe(false)
    expect(readdirSync(temporary).filter((name) => name !== '.cache')).toEqual([])
  })
})

describe('on a terminal', () => {
  const open = (script: string, ...flags: string[]) => openProgram(['run', ...flags, '--', '/bin/sh', '-c', script], project())

  it('the command has the terminal', async () => {
    const terminal = open('test -t 0 && test -t 1 && test -t 2 && echo "tty $TOKEN"; printf "Name:"; read -r name; echo "hello $name"')
    await terminal.shows('Name:')
    terminal.type('ada\r')
    expect(await terminal.exitCode).toBe(0)
    const screen = await terminal.screen()
    expect(screen).toContain(`tty ${canary}`)
    expect(screen).toContain('hello ada')
  })

  it('--redact hides values there too', async () => {
    const terminal = open('test -t 1 || echo "no tty $TOKEN"', '--redact')
    expect(await terminal.exitCode).toBe(0)
    expect(await terminal.screen()).toBe('no tty [redacted TOKEN]')
  })

  it.each([
    ['Ctrl-C', '\u0003', 'INT'],
    ['Ctrl-\\', '\u001c', 'QUIT'],
  ])('%s reaches the command once', async (_, key, signal) => {
    const terminal = open(
      `n=0; trap 'n=$((n+1)); echo "heard $n"' ${signal}; echo ready; i=0; while [ $i -lt 40 ]; do sleep 0.02; i=$((i+1)); done; exit $((n+4))`,
    )
    await terminal.shows('ready')
    await expect.poll(() => witnessOf(terminal.pid)).toBeDefined()
    terminal.type(key)
    expect(await terminal.exitCode).toBe(5)
    expect(await terminal.screen()).toContain('heard 1')
  })

  it.each(['SIGINT', 'SIGQUIT', 'SIGTERM'] as const)(
    '%s to the program alone reaches the command once, also after Ctrl-C',
    async (signal) => {
      const count = `n=0; trap 'n=$((n+1)); echo "heard $n"' ${signal.slice(3)}`
      const terminal = open(`trap 'echo key' INT; ${count}; echo ready; while [ $n -lt 3 ]; do sleep 0.02; done; sleep 0.3; exit $((n+4))`)
      await terminal.shows('ready')
      await expect.poll(() => witnessOf(terminal.pid)).toBeDefined()
      const first = witnessOf(terminal.pid)
      kill(terminal.pid, signal)
      await terminal.shows('heard 1')
      terminal.type('\u0003')
      await expect.poll(() => witnessOf(terminal.pid) ?? first).not.toBe(first)
      const isCounted = signal === 'SIGINT'
      await terminal.shows(isCounted ? 'heard 2' : 'key')
      for (let heard = isCounted ? 3 : 2; heard <= 3; heard++) {
        kill(terminal.pid, signal)
        await terminal.shows(`heard ${heard}`)
      }
      expect(await terminal.exitCode).toBe(7)
    },
  )

  it('a shell can stop and continue it', async () => {
    const { cwd, env } = project()
    const command = [process.execPath, ...programArgs].map((each) => `'${each}'`).join(' ')
    const terminal = openTerminal('/bin/bash', ['--norc', '-i'], { cwd, env: { ...env, PS1: 'shell> ', HISTFILE: '' } })
    await terminal.shows('shell>')
    terminal.type(`${command} run -- /bin/sh -c 'trap "echo again; exit 6" CONT; echo rea""dy; ${wait}'\r`)
    await terminal.shows('\nready')
    terminal.type('\u001a')
    await terminal.shows('Stopped')
    terminal.type('fg >/dev/null\r')
    await terminal.shows('\nagain')
    terminal.type('echo "code $?"\r')
    await terminal.shows('code 6')
    terminal.type('exit\r')
    expect(await terminal.exitCode).toBe(0)
  })
})

describe('a program that the command leaves behind', () => {
  const left = 'the command has ended, but left a program behind that holds its output: what that writes is not shown'

  /** Holds the output until the test ends. */
  const holds = (script: string): string => `(${script}; while kill -0 ${process.pid} 2>/dev/null; do sleep 0.05; done) &`

  it.each([
    ['is silent', 'true'],
    ['writes on and on', 'while echo noise; do sleep 0.01; done'],
    ['writes more than is read', 'while echo noise; do :; done'],
  ])('and which %s, does not keep it from ending, with all that the command wrote', async (_, script) => {
    const length = 60_000 // a pipe takes it without a reader
    const running = start(`${holds(script)} head -c ${length} /dev/zero | tr '\\0' x; printf 'last %s' "$TOKEN"; exit 3`, project())
    expect(await running.ended).toEqual({ code: 3, signal: null })
    const output = running.output().replaceAll('noise\n', '')
    expect(output).toContain(`warning: ${left}\n`)
    expect(output.split('x')).toHaveLength(length + 1)
    expect(output).toContain('last [redacted TOKEN]')
    expect(output).not.toContain(canary)
  })

  it('is told of once, and not if it does not hold the output', async () => {
    const twice = start(`${holds('true')} ${holds('true')} echo done`, project())
    expect(await twice.ended).toEqual({ code: 0, signal: null })
    expect(twice.output()).toBe(`done\nwarning: ${left}\n`)
    const apart = start('(sleep 3) >/dev/null 2>&1 & echo done', project())
    expect(await apart.ended).toEqual({ code: 0, signal: null })
    expect(apart.output()).toBe('done\n')
  })
})

function withStore(): Program {
  const program = makeProgram({ ...localConfig, secrets: { TOKEN: {} } })
  onTestFinished(() => rmSync(program.folder, { recursive: true }))
  return program
}

describe('on a rotation', () => {
  const shown = 'echo "token $(printf %s "$TOKEN" | tr a-z A-Z)"'

  async function rotating(script: string, flags: readonly string[]): Promise<Running & { readonly program: Program }> {
    const program = withStore()
    await program.run(['set', 'TOKEN'], 'value-one')
    const args = ['--interval', '1', ...flags]
    const running = start(script, { cwd: program.folder, env: { APP_KEY: program.key, PATH: '/usr/bin:/bin' }, args })
    await running.shows('ready')
    return { ...running, program }
  }

  it('the command is started anew with the new value', async () => {
    const running = await rotating(`${shown}; echo "ready $TOKEN"; trap 'echo bye; exit 3' TERM; ${wait}`, ['--on-rotation', 'restart'])
    await running.program.run(['set', 'TOKEN'], 'value-two')
    await running.shows('token VALUE-TWO\nready [redacted TOKEN]\n')
    running.process.kill('SIGTERM')
    expect(await running.ended).toEqual({ code: 3, signal: null })
    const said = 'changed: TOKEN; the command is started anew'
    expect(running.output()).toContain(`${said}\n`)
    expect(running.output().replace(`${said}\n`, '')).toBe(
      'token VALUE-ONE\nready [redacted TOKEN]\nbye\ntoken VALUE-TWO\nready [redacted TOKEN]\nbye\n',
    )
  })

  it('a command that does not end is killed', async () => {
    const running = await rotating(`${shown}; trap 'echo deaf' TERM; echo ready; ${wait}`, [
      '--on-rotation',
      'restart',
      '--kill-after',
      '0.2',
    ])
    await running.program.run(['set', 'TOKEN'], 'value-two')
    await expect.poll(running.output).toMatch(/deaf\nwarning: .+\ntoken VALUE-TWO\nready/)
    running.process.kill('SIGKILL')
  })

  it('a command gets the signal it wants, and may not show the new value that it reads by itself', async () => {
    const script = `trap 'echo again value-two; exit 8' HUP; ${shown}; echo ready; ${wait}`
    const running = await rotating(script, ['--on-rotation', 'signal:SIGHUP'])
    await running.program.run(['set', 'TOKEN'], 'value-two')
    expect(await running.ended).toEqual({ code: 8, signal: null })
    expect(running.output()).toBe('token VALUE-ONE\nready\nagain [redacted TOKEN]\n')
  })

  it('a command keeps its values while an earlier provider of one is away, since a later one may have an older value', async () => {
    let isAway = false
    const server = createHttpServer((_, response) => {
      const data = { B: Buffer.from('value-new').toString('base64') }
      if (isAway) response.writeHead(503).end()
      else
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ kind: 'Secret', metadata: { name: 'app', resourceVersion: '1' }, data }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const kubernetes = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token: { variable: 'API_TOKEN' },
      namespace: 'default',
      names: { B: 'app#B' },
      onlyNamed: true,
    }
    const chain = { provider: 'kubernetes', fallbacks: ['local'] }
    const program = makeProgram({ ...localConfig, ...chain, kubernetes, secrets: { A: {}, B: {} } }, { API_TOKEN: 'x' })
    onTestFinished(() => rmSync(program.folder, { recursive: true }))
    await program.run(['set', 'A', '--provider', 'local'], 'value-one')
    const local = programIn(program.folder, {
      APP_KEY: program.key,
      API_TOKEN: 'x',
      FINCHAT_SECRETS_PROVIDER: 'local',
      FINCHAT_SECRETS_FALLBACKS: '',
    })
    await local.run(['set', 'B'], 'value-old') // as a copy that was made before
    const running = start(`echo "B $(printf %s "$B" | tr a-z A-Z)" ready; trap 'exit 5' TERM; ${wait}`, {
      cwd: program.folder,
      env: { APP_KEY: program.key, API_TOKEN: 'x', PATH: '/usr/bin:/bin' },
      args: ['--interval', '1', '--on-rotation', 'restart'],
    })
    await running.shows('B VALUE-NEW ready')
    isAway = true
    await program.run(['set', 'A', '--provider', 'local'], 'value-two')
    await running.shows('keeps its values')
    running.process.kill('SIGTERM')
    expect(await running.ended).toEqual({ code: 5, signal: null })
    expect(running.output()).not.toContain('VALUE-OLD')
  })

  it('a command keeps its values if the secret is gone, and ends as ever', async () => {
    const running = await rotating(`${shown}; echo ready; trap 'exit 5' TERM; ${wait}`, ['--on-rotation', 'restart'])
    await running.program.run(['delete', 'TOKEN'])
    await running.shows('warning: ')
    running.process.kill('SIGTERM')
    expect(await running.ended).toEqual({ code: 5, signal: null })
    expect(running.output()).not.toContain('value-one')
  })
})
