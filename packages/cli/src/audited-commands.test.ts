import { expect, it } from 'vitest'
import { localConfig, makeProgram, type Program, programIn } from './testing/run-program.ts'
import { operator } from './terminal/terminal.ts'

interface AuditRecord {
  readonly phase: string
  readonly operation: string
  readonly name: string
  readonly outcome?: string
  readonly code?: string
  readonly actor?: string
}

/** What the trail has, in order: outcomes, by operation and name. */
async function recordsIn({ run }: Pick<Program, 'run'>): Promise<readonly AuditRecord[]> {
  const { stdout } = await run(['audit', 'query', 'trail', '--unverified', '--json'])
  const records = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditRecord]))
  return records.filter(({ phase }) => phase === 'outcome')
}

const shown = ({ operation, name, outcome, code }: AuditRecord): string => `${operation} ${name} ${code ?? outcome}`

const declared = { TOKEN: {}, FIELD: { name: 'DB', field: 'password' } }

it.each<[command: string, input: string, records: readonly string[]]>([
  ['set TOKEN', 'another value', ['store TOKEN ok']],
  ['set FIELD', 'another value', ['store FIELD ok']],
  ['set a..b/../c', 'x', []],
  ['get TOKEN', '', ['get TOKEN ok']],
  ['get FIELD', '', ['get FIELD ok']],
  ['get NOPE', '', ['get NOPE NOT_FOUND']],
  ['verify TOKEN', 'first value', ['verify TOKEN ok']],
  ['verify TOKEN', 'wrong', ['verify TOKEN ok', 'describe TOKEN ok']],
  ['check', '', ['get TOKEN ok', 'get FIELD ok']],
  ['list', '', ['list * ok']],
  ['versions TOKEN', '', ['describe TOKEN ok']],
  ['tag TOKEN a=b', '', ['tag TOKEN ok']],
  ['export --only TOKEN --format json --output out.json', '', ['get TOKEN ok']],
  ['scan --only-values finchat-secrets.config.json', '', ['get TOKEN ok', 'get FIELD ok']],
  ['run -- true', '', ['get TOKEN ok', 'get FIELD ok']],
  ['delete TOKEN', '', ['delete TOKEN ok']],
  ['delete TOKEN --purge --yes', '', ['delete TOKEN ok']],
])('%s records what it does once, and by whom', async (command, input, expected) => {
  const program = makeProgram(
    { ...localConfig, fallbacks: [], audit: { folder: 'trail' }, secrets: declared },
    { PATH: process.env['PATH'] ?? '' },
  )
  await program.run(['audit', 'init', 'trail', '--key-file', 'audit.key'])
  await program.run(['set', 'TOKEN'], 'first value')
  await program.run(['set', 'DB'], '{"password":"first value","user":"ana"}')
  const before = (await recordsIn(program)).length
  await program.run(command.split(' '), input)
  const records = (await recordsIn(program)).slice(before)
  expect(records.map(shown)).toEqual(expected)
  expect(records.filter(({ actor }) => actor !== operator())).toEqual([])
})

it('what migrate and export look up has a record with who did it', async () => {
  const { folder, key, run } = makeProgram({ ...localConfig, fallbacks: [], audit: { folder: 'trail' } })
  await run(['audit', 'init', 'trail', '--key-file', 'audit.key'])
  const { run: runWith } = programIn(folder, { APP_KEY: key, MOVED: 'first value' })
  await runWith(['migrate', '--from', 'env', '--to', 'local', '--only', 'MOVED', '--apply'])
  await runWith(['export', '--format', 'json', '--output', 'out.json'])
  const records = await recordsIn({ run })
  expect(records.map(shown)).toEqual([
    'get MOVED ok',
    'get MOVED NOT_FOUND',
    'describe MOVED NOT_FOUND',
    'get MOVED NOT_FOUND',
    'store MOVED ok',
    'get MOVED ok',
    'list * ok',
    'get MOVED ok',
  ])
  expect(records.filter(({ actor }) => actor !== operator())).toEqual([])
})
