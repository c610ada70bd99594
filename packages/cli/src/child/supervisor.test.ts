import type { ChildProcess } from 'node:child_process'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { endChild } from './end-child.ts'
import { endingOf, hasEnded, signalChild, startChild } from './start-child.ts'
import { type Launch, Supervisor } from './supervisor.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Ends with these tests. */
const wait = `while kill -0 ${process.pid} 2>/dev/null; do sleep 0.02; done`

const told = 'changed: TOKEN; the command is started anew\n'
const launch: Launch = { env: { PATH: '/usr/bin:/bin' }, values: [] }

/** A command of the shell, and what it and the supervisor wrote. */
async function supervise(script: string): Promise<{ readonly supervisor: Supervisor; readonly output: () => string }> {
  let output = ''
  const write = (data: string | Uint8Array): void => void (output += Buffer.from(data as Uint8Array).toString())
  const stdin = Readable.from([]) as unknown as NodeJS.ReadStream // what is read of it
  const terminal = { stdin, stdout: { write }, stderr: { write }, env: {}, cwd: () => '/' }
  const supervisor = new Supervisor({ command: ['/bin/sh', '-c', script], terminal, redact: false, killAfterMs: 10_000 })
  onTestFinished(() => {
    supervisor.send('SIGKILL')
    supervisor.stopHearing()
  })
  await supervisor.start(launch)
  return { supervisor, output: () => output }
}

/** Polls without the timers that are faked. */
async function shown(output: () => string, text: string): Promise<void> {
  const until = performance.now() + 20_000
  while (!output().includes(text) && performance.now() < until) await new Promise((resolve) => setImmediate(resolve))
  expect(output()).toContain(text)
}

it.each(['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)(
  '%s during a restart reaches the next child, once it had time to handle it',
  async (signal) => {
    const { supervisor, output } = await supervise(
      `trap 'echo heard' ${signal.slice(3)}; trap 'echo ending; sleep 0.2; exit' TERM; echo ready; ${wait}`,
    )
    await shown(output, 'ready\n')
    const restarted = supervisor.restart(launch, ['TOKEN'])
    await shown(output, 'ending\n')
    process.emit(signal, signal)
    expect(await restarted).toBe(true)
    await shown(output, `ready\n${told}ending\nready\n`)
    process.emit(signal, signal) // as soon as it runs
    await vi.advanceTimersByTimeAsync(4_900)
    expect(output()).not.toContain('heard')
    await vi.advanceTimersByTimeAsync(200)
    await shown(output, 'heard\n')
  },
)

it('SIGTERM during a restart ends the command, which has it once, and starts no other', async () => {
  const { supervisor, output } = await supervise(`trap 'echo term; sleep 0.2; n=$((n+1)); [ $n = 2 ] || exit 3' TERM; echo ready; ${wait}`)
  await shown(output, 'ready\n')
  const restarted = supervisor.restart(launch, ['TOKEN'])
  await shown(output, 'term\n')
  process.emit('SIGTERM', 'SIGTERM')
  await restarted
  expect(await supervisor.ended()).toEqual({ code: 3, signal: null })
  expect(output()).toBe(`ready\n${told}term\n`)
})

it('a child that does not end by SIGTERM is killed, with a warning, and another is started', async () => {
  const { supervisor, output } = await supervise(`trap 'echo deaf' TERM; echo ready; ${wait}`)
  await shown(output, 'ready\n')
  const restarted = supervisor.restart(launch, ['TOKEN'])
  await shown(output, 'deaf\n')
  await vi.advanceTimersByTimeAsync(9_900)
  expect(output()).not.toContain('warning')
  await vi.advanceTimersByTimeAsync(200)
  expect(await restarted).toBe(true)
  await shown(output, 'deaf\nwarning: the command did not end within 10 s of SIGTERM, and is killed\nready\n')
})

/** As a child of sudo, which is root's: the system refuses the signal, and Node.js tells of it by an event. */
function beyondReach(child: ChildProcess): ChildProcess {
  vi.spyOn(child, 'kill').mockImplementation(() => {
    child.emit('error', Object.assign(new Error('kill EPERM'), { code: 'EPERM' }))
    return false
  })
  return child
}

function startedChild(): ChildProcess {
  const child = startChild({ command: ['/bin/sh', '-c', wait], env: launch.env, cwd: '/', stdio: 'ignore' })
  const { pid = 0 } = child
  onTestFinished(() => void (hasEnded(child) || process.kill(pid, 'SIGKILL')))
  return child
}

it('a child that may not be killed is left, with a warning', async () => {
  const child = startedChild()
  const warn = vi.fn<(text: string) => void>()
  let isEnded: boolean | undefined
  void endChild(beyondReach(child), 10_000, warn).then((ended) => (isEnded = ended))
  await vi.advanceTimersByTimeAsync(14_999)
  expect([isEnded, warn.mock.calls.flat()]).toEqual([undefined, ['the command did not end within 10 s of SIGTERM, and is killed']])
  await vi.advanceTimersByTimeAsync(1)
  expect(isEnded).toBe(false)
  expect(warn.mock.calls.flat().slice(1)).toEqual(['the command could not be killed: it keeps its values until a later restart succeeds'])
})

it('a child that takes no signal is waited for', async () => {
  const child = startedChild()
  const { pid = 0 } = child
  const ended = endingOf(beyondReach(child))
  child.kill('SIGINT')
  process.kill(pid, 'SIGTERM')
  expect(await ended).toEqual({ code: null, signal: 'SIGTERM' })
})

it('a child that is stopped is continued, so that it can end', async () => {
  const child = startedChild()
  child.kill('SIGSTOP')
  expect(await endChild(child, 10_000, () => {})).toBe(true)
  expect(child.signalCode).toBe('SIGTERM')
})

it.each([
  ['does not know, as SIGBREAK on Linux', 'SIGBREAK', undefined],
  ['cannot send, as SIGHUP on Windows', 'SIGHUP', 'ENOSYS'],
] as const)('a signal that the system %s, is not sent', async (_, signal, code) => {
  const child = startedChild()
  const kill = vi.spyOn(child, 'kill')
  if (code !== undefined)
    kill.mockImplementationOnce(() => {
      throw Object.assign(new Error(`kill ${code}`), { code })
    })
  expect(() => signalChild(child, signal)).not.toThrow()
  expect(kill.mock.results[0]?.type).toBe('throw')
  expect(hasEnded(child)).toBe(false)
})

it('a child ends where the system has no SIGCONT, as Windows has none', async () => {
  const child = startedChild()
  const { kill } = child
  vi.spyOn(child, 'kill').mockImplementation((signal) => {
    if (signal === 'SIGCONT') throw Object.assign(new TypeError('Unknown signal: SIGCONT'), { code: 'ERR_UNKNOWN_SIGNAL' })
    return kill.call(child, signal)
  })
  expect(await endChild(child, 10_000, () => {})).toBe(true)
  expect(child.signalCode).toBe('SIGTERM')
})
