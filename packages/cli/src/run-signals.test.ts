import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { programArgs } from './testing/child.ts'
import { makeProject } from './testing/make-project.ts'
import { openProgram } from './testing/pseudo-terminal.ts'

const env = { PATH: process.env['PATH'] ?? '', TOKEN: 'canary-4711' }
const config = { 'finchat-secrets.config.json': JSON.stringify({ provider: 'env', secrets: { TOKEN: {} } }) }

/** Runs Node.js with this script by `run`, and waits for its first output. */
async function started(
  script: string,
): Promise<{ readonly kill: (signal: NodeJS.Signals) => void; readonly end: Promise<unknown[]>; readonly output: () => string }> {
  const program = spawn(process.execPath, [...programArgs, 'run', '--', process.execPath, '-e', script], { cwd: makeProject(config), env })
  let output = ''
  program.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()))
  const end = once(program, 'exit')
  await once(program.stdout, 'data')
  return { kill: (signal) => program.kill(signal), end, output: () => output }
}

const waits = 'console.log("ready"); setInterval(() => undefined, 1000)'

describe('a signal to `run`', () => {
  it.each<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'])(
    '%s reaches the command, which decides',
    async (signal) => {
      const { kill, end, output } = await started(`process.on('${signal}', () => { console.log('got it'); process.exit(3) }); ${waits}`)
      kill(signal)
      expect(await end).toEqual([3, null])
      expect(output()).toBe('ready\ngot it\n')
    },
  )

  it.each<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s that ends the command ends `run` in the same way', async (signal) => {
    const { kill, end } = await started(waits)
    kill(signal)
    expect(await end).toEqual([null, signal])
  })
})

describe('on a terminal', () => {
  it('the command has the terminal itself', async () => {
    const script = 'console.log(process.stdin.isTTY, process.stdout.isTTY, process.stderr.isTTY, process.stdout.columns)'
    const terminal = openProgram(['run', '--', process.execPath, '-e', script], { cwd: makeProject(config), env })
    expect(await terminal.exitCode).toBe(0)
    expect(await terminal.screen()).toBe('true true true 80')
  })

  it('Ctrl-C reaches the command once', async () => {
    const script = `let count = 0; process.on('SIGINT', () => count++); console.log('ready'); setTimeout(() => { console.log('count', count); process.exit(5) }, 1500)`
    const terminal = openProgram(['run', '--', process.execPath, '-e', script], { cwd: makeProject(config), env })
    await terminal.shows('ready')
    terminal.type('\u0003')
    expect(await terminal.exitCode).toBe(5)
    expect(await terminal.screen()).toContain('count 1')
  })
})

it('a reader that has enough ends it, as it ends the command', async () => {
  const command = [process.execPath, ...programArgs, 'run', '--', 'yes', 'line'].map((word) => `'${word}'`).join(' ')
  const shell = spawn('/bin/sh', ['-c', `${command} | head -n 2`], { cwd: makeProject(config), env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  shell.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()))
  expect(await once(shell, 'close')).toEqual([0, null])
  expect(output).toBe('line\nline\n')
})

it('what a command wrote before it was killed is shown', async () => {
  const { end, output } = await started(
    `process.stdout.write('ready and canary-47'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200)`,
  )
  expect(await end).toEqual([null, 'SIGKILL'])
  expect(output()).toBe('ready and canary-47')
})
