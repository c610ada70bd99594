import { describe, expect, it } from 'vitest'
import { makeProgram } from './testing/run-program.ts'

const commands = [
  'get',
  'set',
  'list',
  'versions',
  'verify',
  'check',
  'run',
  'delete',
  'restore',
  'tag',
  'migrate',
  'import',
  'export',
  'scan',
  'rotate',
  'backup',
  'reencrypt',
]

describe('the program', () => {
  const program = makeProgram({})

  it.each(commands)('teaches %s with examples', async (command) => {
    const { code, stdout, stderr } = await program.run([command, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.match(new RegExp(`^  finchat-secrets ${command} .+\n    [a-z].+$`, 'gm'))?.length).toBeGreaterThan(0)
  })

  it('lists every command, and prints its version', async () => {
    const { stdout } = await program.run(['--help'])
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} +[A-Z]`, 'm'))
    expect(await program.run([])).toMatchObject({ code: 0, stdout })
    expect((await program.run(['--version'])).stdout).toBe('1.2.3\n')
  })

  it.each([
    [['gte', 'A'], 'did you mean `get`?'],
    [['get', 'A', '--feild', 'x'], 'did you mean --field?'],
    [['get', 'A', '--jsn'], 'did you mean --json?'],
    [['constructor'], 'see finchat-secrets --help'],
    [['__proto__'], 'see finchat-secrets --help'],
    [['get'], 'see --help of the command'],
    [['get', 'A', 'B'], 'see --help of the command'],
    [['get', 'A', '-x'], 'see --help of the command'],
    [['get', 'A', '--field'], 'see --help of the command'],
    [['get', 'A', '--toString', 'x'], 'see --help of the command'],
    [['get', 'A', '--json=maybe'], 'see --help of the command'],
    [['get', 'A', '--version', 'x'], 'see `finchat-secrets versions NAME`'],
  ])('says of %j what may be meant, with exit code 64', async (args, remedy) => {
    const { code, stdout, stderr } = await program.run(args)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^error: .+\nwhy: {3}.+\nfix: {3}.+\n$/)
    expect(stderr).toContain(remedy)
  })

  it.each([
    [['get', 'NOPE', '--json']],
    [['get', '--json']],
    [['migrate', '--json']], // of which two flags are missing
    [['gte', '--json']],
    [['--json', 'set', 'A', 'canary']],
    [['set', 'A', 'canary', '--json']],
  ])('gives programs an error in JSON, on stderr: %j', async (args) => {
    const { code, stdout, stderr } = await program.run(args)
    const { error } = JSON.parse(stderr) as { error: { exitCode: number; remedy: string } }
    expect({ code, stdout }).toEqual({ code: error.exitCode, stdout: '' })
    expect(stderr).not.toContain('canary')
  })

  it('takes what follows -- as arguments', async () => {
    const { code, stderr } = await program.run(['get', '--', '--json'])
    expect(code).toBe(66)
    expect(stderr).toContain('--json could not be read')
  })
})
