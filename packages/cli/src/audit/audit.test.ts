import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { auditTrail, jsonLinesFile } from '@finchat/secrets-audit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadConfig } from '../config/load-config.ts'
import { makeProgram, type Outcome, type Program } from '../testing/run-program.ts'

const config = { provider: 'local', local: { key: { variable: 'APP_KEY' } }, audit: { folder: 'trail', checkpoints: 'checkpoints' } }
const canary = 'c4n4ry-of-the-trail'

/** A project with a trail of a write, a read, and a read that failed; each run of the program is a process of its own to the trail. */
async function audited(): Promise<Program & { readonly auditKey: string }> {
  const program = makeProgram(config)
  onTestFinished(() => rmSync(program.folder, { recursive: true }))
  const { stdout } = await program.run(['audit', 'init', 'trail'])
  await program.run(['set', 'TOKEN'], canary)
  await program.run(['get', 'TOKEN'])
  await program.run(['get', 'MISSING'])
  writeFileSync(join(program.folder, 'audit.key'), `${stdout}\n`)
  return { ...program, auditKey: stdout }
}

const key = ['--key-file', 'audit.key']
const proof = [...key, '--checkpoints', 'checkpoints']

/** Changes one byte of the last segment. */
function alter(folder: string): void {
  const name = readdirSync(folder).findLast((each) => each.startsWith('segment-') && each.endsWith('.jsonl')) ?? ''
  writeFileSync(join(folder, name), readFileSync(join(folder, name), 'utf8').replace('MISSING', 'MISSINC'))
}

describe('audit init', () => {
  it('gives the key to a file for the user alone, and says whose it is', async () => {
    const { run, folder } = makeProgram(config)
    const { code, stdout, stderr } = await run(['audit', 'init', 'trail', '--key-file', 'audit.key'])
    expect([code, stdout]).toEqual([0, ''])
    expect(readFileSync(join(folder, 'audit.key'), 'utf8')).toMatch(/^audit-key:[\w-]{43}$/)
    expect(statSync(join(folder, 'audit.key')).mode & 0o777).toBe(0o600)
    expect(stderr).toContain('give it to the auditor')
    expect(stderr).not.toContain('audit-key:')
    rmSync(folder, { recursive: true })
  })

  it('has git ignore the file of the key', async () => {
    const { run, folder } = makeProgram(config)
    mkdirSync(join(folder, '.git'))
    expect((await run(['audit', 'init', 'trail', '--key-file', 'audit.key'])).stderr).toContain('.gitignore has /audit.key, /audit.key.*\n')
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('/audit.key\n/audit.key.*\n')
  })

  it('gives it to a pipe, or as JSON, and to a terminal only by --reveal', async () => {
    const { run, show, folder } = makeProgram(config)
    expect((await run(['audit', 'init', 'one'])).stdout).toMatch(/^audit-key:[\w-]{43}$/)
    expect(JSON.parse((await run(['audit', 'init', 'two', '--json'])).stdout)).toMatchObject({ key: expect.stringMatching(/^audit-key:/) })
    const shown = await show(['audit', 'init', 'three'])
    expect(shown).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining('--reveal') })
    expect(existsSync(join(folder, 'three'))).toBe(false)
    expect((await show(['audit', 'init', 'three', '--reveal'])).stdout).toMatch(/^audit-key:[\w-]{43}\n$/)
    rmSync(folder, { recursive: true })
  })

  it('leaves no key file where it fails, and no folder where the key has no place', async () => {
    const { run, folder } = await audited()
    expect(await run(['audit', 'init', 'trail', '--key-file', 'second.key'])).toMatchObject({
      code: 70,
      stderr: expect.stringContaining('already has a key'),
    })
    expect(existsSync(join(folder, 'second.key'))).toBe(false)
    for (const file of ['audit.key', join('none', 'audit.key'), join('new', 'audit.key')])
      expect((await run(['audit', 'init', 'new', '--key-file', file])).code, file).not.toBe(0)
    expect(existsSync(join(folder, 'new'))).toBe(false)
  })
})

describe('audit verify', () => {
  it('says that every record is as it was written, in words and as JSON', async () => {
    const { run, auditKey } = await audited()
    const { code, stdout, stderr } = await run(['audit', 'verify', 'trail', ...proof])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^Verified: every record is as it was written \(4\)\.\nComplete until 20.* UTC, by \d+ checkpoints: .*\n4 records in 3 segments, from 20.*\n$/,
    )
    expect(JSON.parse((await run(['audit', 'verify', 'trail', ...proof, '--json'])).stdout)).toMatchObject({ ok: true, records: 4 })
    expect(stdout).not.toContain(auditKey)
  })

  it('takes the key from a pipe and from a variable too', async () => {
    const { run, auditKey } = await audited()
    expect((await run(['audit', 'verify', 'trail', '--checkpoints', 'checkpoints'], `${auditKey}\n`)).code).toBe(0)
    expect(await run(['audit', 'verify', 'trail'])).toMatchObject({ code: 64, stderr: expect.stringContaining('--key-file') })
    expect(await run(['audit', 'query', 'trail'])).toMatchObject({ code: 64, stderr: expect.stringContaining('--unverified') })
    const wrong = await run(['audit', 'verify', 'trail'], canary)
    expect(wrong).toMatchObject({ code: 70, stderr: expect.stringContaining("auditor's key") })
    expect(wrong.stderr).not.toContain(canary)
  })

  it('calls the key of another folder wrong, which is no tampering', async () => {
    const { run, folder } = await audited()
    const other = (await run(['audit', 'init', 'other'])).stdout
    writeFileSync(join(folder, 'other.key'), other)
    for (const command of [['verify'], ['report', '--output', 'report.html'], ['query']]) {
      const { code, stdout, stderr } = await run(['audit', ...command, 'trail', '--key-file', 'other.key', '--checkpoints', 'checkpoints'])
      expect([code, stdout], command[0]).toEqual([64, ''])
      expect(stderr, command[0]).toContain("the key is another folder's, so nothing was verified")
      expect(stderr, command[0]).not.toContain(other)
    }
    expect(existsSync(join(folder, 'report.html'))).toBe(false)
    const both = await run(['audit', 'verify', 'trail', 'other', '--key-file', 'other.key'])
    expect([both.code, both.stdout]).toEqual([1, expect.stringContaining('trail: It could not be verified')])
  })

  it('exits with 65 if the id in the index is another one, and the segments are as they were', async () => {
    const { run, folder, auditKey } = await audited()
    const index = join(folder, 'trail', 'index.jsonl')
    const id = JSON.parse(readFileSync(index, 'utf8').split('\n')[0] ?? '').folder as string
    writeFileSync(index, readFileSync(index, 'utf8').replaceAll(id, '00000000-0000-4000-8000-000000000000'))
    const { code, stdout } = await run(['audit', 'verify', 'trail', ...proof])
    expect([code, stdout]).toEqual([65, expect.stringMatching(/^The trail is NOT as it was written: .*wrong key.* Records: 4 verified/)])
    expect(stdout).not.toContain(auditKey)
  })

  it('exits with 65 and names the record, if one was changed', async () => {
    const { run, folder } = await audited()
    alter(join(folder, 'trail'))
    const { code, stdout } = await run(['audit', 'verify', 'trail', ...proof])
    expect(code).toBe(65)
    expect(stdout).toMatch(/^The trail is NOT as it was written: 2 of 3 segments .* in segment 5, record 1, .*edited/)
  })

  it('exits with 1 if nothing is wrong and something is not proven', async () => {
    const { run, folder } = await audited()
    cpSync(join(folder, 'trail'), join(folder, 'copied'), { recursive: true, filter: (path) => !path.endsWith('key.json') })
    const open = await run(['audit', 'verify', 'copied', ...key])
    expect([open.code, open.stdout]).toEqual([1, expect.stringContaining('No checkpoint was compared')])
    const proven = await run(['audit', 'verify', 'copied', ...proof])
    expect([proven.code, proven.stdout]).toEqual([0, expect.stringMatching(/\nComplete until 20.*, by \d+ checkpoints: /)])
    const nothing = await run(['audit', 'verify', 'trail', ...key, '--to', '2001-01-01'])
    expect([nothing.code, nothing.stdout]).toEqual([1, expect.stringContaining('Nothing was verified')])
  })

  it('finds by a checkpoint that the end was removed', async () => {
    const { run, folder } = await audited()
    const trail = join(folder, 'trail')
    rmSync(join(trail, 'key.json'))
    const lines = readFileSync(join(trail, 'index.jsonl'), 'utf8').split('\n')
    writeFileSync(join(trail, 'index.jsonl'), `${lines.slice(0, -3).join('\n')}\n`)
    rmSync(join(trail, 'segment-00000005.jsonl'))
    expect((await run(['audit', 'verify', 'trail', ...key])).code).toBe(1)
    expect((await run(['audit', 'verify', 'trail', ...proof])).code).toBe(65)
  })

  it('says that a path is wrong, which is no tampering', async () => {
    const { run, folder } = await audited()
    for (const path of ['none', '.', 'checkpoints/..'])
      expect(await run(['audit', 'verify', path, ...key]), path).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('no audit trail'),
      })
    expect((await run(['audit', 'verify', 'trail', ...key, '--checkpoints', 'none'])).code).toBe(70)
    expect((await run(['audit', 'verify', 'trail', '--key-file', 'none'])).code).toBe(77)
    expect(existsSync(join(folder, 'none'))).toBe(false)
  })
})

describe('audit query', () => {
  it('prints the records that match, a line each, and the verification on stderr', async () => {
    const { run } = await audited()
    const { code, stdout, stderr } = await run(['audit', 'query', 'trail', ...proof, '--outcome', 'error'])
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^Verified: every record is as it was written \(4\)\.\nComplete until 20.*, by \d+ checkpoints: /),
    ])
    expect(stdout).toMatch(/^20\S+Z\tget\tMISSING\terror\tNOT_FOUND\t\S*\t\t\t\S+\n$/)
    expect(columns(await run(['audit', 'query', 'trail', ...key]), 8)).toEqual(Array.from({ length: 4 }, () => hostname()))
    expect(columns(await run(['audit', 'query', 'trail', ...key, '--from', '45d']), 2)).toHaveLength(4)
    expect(columns(await run(['audit', 'query', 'trail', ...key, '--to', '1d']), 2)).toEqual([])
    const names = async (...flags: string[]): Promise<string[]> => columns(await run(['audit', 'query', 'trail', ...key, ...flags]), 2)
    expect(await names('--operation', 'get')).toEqual(['TOKEN', 'MISSING'])
    expect(await names('--name', 'TOK*', '--limit', '2')).toEqual(['TOKEN', 'TOKEN'])
    expect(await names('--to', '2001-01-01')).toEqual([])
    expect(await names('--from', '45d')).toHaveLength(4)
    expect(await names('--from', '2001-01-01', '--actor', 'nobody-else')).toEqual([])
  })

  it('tells a misspelt filter from one that nothing matches', async () => {
    const { run } = await audited()
    const said = async (...flags: string[]): Promise<string> => (await run(['audit', 'query', 'trail', ...key, ...flags])).stderr
    expect(await said('--operation', 'get')).toMatch(/\n2 of \d records match\n$/)
    expect(await said('--name', 'TOKEM')).toMatch(/\n0 of \d records match\nno record has the name TOKEM: did you mean TOKEN\?\n$/)
    expect(await said('--operation', 'raed')).toMatch(/\nno record has the operation raed; there are get, .+\n$/)
    expect(await said('--name', 'NO*')).toMatch(/\n0 of \d records match\n$/)
    expect(await said('--limit', '1')).not.toContain('match')
  })

  it('prints JSON lines', async () => {
    const { run } = await audited()
    const { stdout } = await run(['audit', 'query', 'trail', ...key, '--json'])
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { operation: string })
    expect(records.map(({ operation }) => operation)).toEqual(['store', 'store', 'get', 'get'])
    expect(stdout).not.toContain(canary)
  })

  it('prints CSV for a spreadsheet, without formulas', async () => {
    const { run, folder } = await audited()
    const [head = '', ...lines] = (await run(['audit', 'query', 'trail', ...key, '--csv', '--operation', 'get'])).stdout
      .trimEnd()
      .split('\r\n')
    expect([head.startsWith('"time","operation","name"'), lines.length]).toEqual([true, 2])
    const path = join(folder, 'trail', 'segment-00000005.jsonl')
    writeFileSync(
      path,
      readFileSync(path, 'utf8')
        .replace('MISSING', '=1+1')
        .replace(/"time":\d+,"trail"/, '"time":9007199254740991,"trail"'),
    )
    expect((await run(['audit', 'query', 'trail', '--unverified', '--csv'])).stdout).toContain(`"","get","'=1+1"`)
    expect((await run(['audit', 'query', 'trail', '--unverified'])).stdout).toContain('\tget\t=1+1\t')
    expect((await run(['audit', 'query', 'trail', ...key, '--csv', '--json'])).code).toBe(64)
  })

  it('reads without a key if that is asked for, and says what it is worth', async () => {
    const { run, folder } = await audited()
    alter(join(folder, 'trail'))
    const open = await run(['audit', 'query', 'trail', '--unverified', '--operation', 'get'])
    expect([open.code, columns(open, 2)]).toEqual([0, ['TOKEN', 'MISSINC']])
    expect(open.stderr).toBe('The trail was not verified, so it may have been changed.\n2 of 4 records match\n')
    const verified = await run(['audit', 'query', 'trail', ...key, '--operation', 'get'])
    expect([verified.code, columns(verified, 2)]).toEqual([65, ['TOKEN']])
    expect((await run(['audit', 'query', 'trail', ...key, '--unverified'])).code).toBe(64)
  })

  it('shows control characters of a name by their number', async () => {
    const { run, show, folder } = await audited()
    const name = readdirSync(join(folder, 'trail')).find((each) => each === 'segment-00000005.jsonl') ?? ''
    const path = join(folder, 'trail', name)
    writeFileSync(path, readFileSync(path, 'utf8').replace('MISSING', String.raw`\u001b[2J\tX`))
    for (const { stdout } of [
      await run(['audit', 'query', 'trail', '--unverified']),
      await show(['audit', 'query', 'trail', '--unverified']),
    ])
      expect([stdout.includes('\u001b'), stdout.includes(String.raw`\u{1b}[2J\u{9}X`)]).toEqual([false, true])
  })

  it('says which values a flag takes', async () => {
    const { run } = await audited()
    expect(await run(['audit', 'query', 'trail', '--outcome', 'bad'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('use one of ok, error'),
    })
    expect((await run(['audit', 'query', 'trail', '--limit', '0'])).code).toBe(64)
    expect((await run(['audit', 'query', 'trail', '--from', '2026-02-30'])).code).toBe(64)
    expect((await run(['audit', 'query', 'trail', ...key, '--from', '1d', '--to', '2d'])).stderr).toContain('--from is not before --to')
  })
})

describe('audit report', () => {
  it('writes a page to a file, and the verification to stderr', async () => {
    const { run, folder } = await audited()
    const { code, stdout, stderr } = await run(['audit', 'report', 'trail', ...proof, '--output', 'audit.html', '--title', 'Q4'])
    expect([code, stdout, stderr]).toEqual([
      0,
      '',
      expect.stringMatching(/^Verified: every record is as it was written \(4\)\.\nComplete until 20.*, by \d+ checkpoints: /),
    ])
    const page = readFileSync(join(folder, 'audit.html'), 'utf8')
    expect(page.startsWith('<!doctype html>')).toBe(true)
    expect(page).toContain('Q4')
    expect(page).not.toContain(canary)
    expect(statSync(join(folder, 'audit.html')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
    expect((await run(['audit', 'report', 'trail', ...key, '--output', 'audit.html'])).code).toBe(64)
    expect((await run(['audit', 'report', 'trail', ...key, '--output', 'audit.html', '--force'])).code).toBe(1) // without checkpoints
  })

  it('prints text or JSON, and exits with 65 for a trail that was altered', async () => {
    const { run, folder } = await audited()
    expect((await run(['audit', 'report', 'trail', ...key])).stdout).toContain('MISSING')
    expect(JSON.parse((await run(['audit', 'report', 'trail', ...key, '--json'])).stdout)).toMatchObject({ summary: { records: 4 } })
    expect((await run(['audit', 'report', 'trail', '--unverified'])).stdout).toContain('was not verified')
    alter(join(folder, 'trail'))
    const altered = await run(['audit', 'report', 'trail', ...key])
    expect([altered.code, altered.stdout]).toEqual([65, expect.stringContaining('NOT as it was written')])
  })

  it('says what is wrong with the file before it reads the trail', async () => {
    const { run } = await audited()
    expect(await run(['audit', 'report', 'trail', ...key, '--output', 'none/audit.html'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('its folder does not exist'),
    })
  })
})

/** Three hosts: one is copied, of one the copy is empty, and one is not there at all. */
async function fleet(): Promise<Program & { readonly keys: readonly string[] }> {
  const program = makeProgram(config)
  onTestFinished(() => rmSync(program.folder, { recursive: true }))
  const keys: string[] = []
  for (const host of ['one', 'two']) {
    rmSync(join(program.folder, 'trail'), { recursive: true, force: true })
    rmSync(join(program.folder, 'checkpoints'), { recursive: true, force: true })
    keys.push((await program.run(['audit', 'init', 'trail'])).stdout)
    await program.run(['set', `TOKEN_${host}`], canary)
    await program.run(['audit', 'copy', 'trail', join('copies', host), '--checkpoints', 'checkpoints'])
  }
  writeFileSync(join(program.folder, 'keys'), `${keys.toReversed().join('\n')}\n`)
  return { ...program, keys }
}

const copies = [join('copies', 'one'), join('copies', 'two')]

describe('one report over several folders', () => {
  it('has the records and the verdict of each, by a file with the keys of all', async () => {
    const { run, folder, keys } = await fleet()
    const { code, stdout, stderr } = await run(['audit', 'report', ...copies, '--key-file', 'keys', '--output', 'all.html'])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^Verified: every record in 2 folders is as it was written \(4\), and complete until 20.* UTC at least\.\n/)
    const page = readFileSync(join(folder, 'all.html'), 'utf8')
    for (const text of ['TOKEN_one', 'TOKEN_two', '<bdi>copies/one: Verified', 'Verdict: Proved']) expect(page).toContain(text)
    for (const secret of [canary, ...keys]) expect(page).not.toContain(secret)
    const verified = await run(['audit', 'verify', ...copies, '--key-file', 'keys'])
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('4 records in 2 segments')])
    const found = await run(['audit', 'query', ...copies, '--key-file', 'keys', '--operation', 'store', '--json'])
    expect(found.stdout.trimEnd().split('\n')).toHaveLength(4)
  })

  it('takes keys that `cat` put on one line', async () => {
    const { run, folder, keys } = await fleet()
    writeFileSync(join(folder, 'keys'), keys.join(''))
    expect((await run(['audit', 'verify', ...copies, '--key-file', 'keys'])).code).toBe(0)
  })

  it('names an expected host that is missing, and a folder without a trail, and exits with 1', async () => {
    const { run } = await fleet()
    const flags = ['--key-file', 'keys', '--expect', 'web-3,web-4', '--expect', 'job-*']
    const { code, stdout } = await run(['audit', 'report', ...copies, join('copies', 'three'), ...flags])
    expect(code).toBe(1)
    expect(stdout).toContain('Missing: no record of web-3, web-4, job-*, expected in this report.')
    expect(stdout).toContain(
      'copies/three: It could not be verified, and none of its records may be here: there is no audit trail in this folder.',
    )
    expect(JSON.parse((await run(['audit', 'verify', ...copies, 'none', '--key-file', 'keys', '--json'])).stdout)).toMatchObject({
      trails: [{ verification: { ok: true } }, { verification: { ok: true } }, { folder: 'none', failure: expect.any(String) }],
    })
    expect((await run(['audit', 'report', 'none', 'neither', '--key-file', 'keys'])).code).toBe(64)
  })

  it('exits with 65 if one of them was altered', async () => {
    const { run, folder } = await fleet()
    const path = join(folder, 'copies/two/audit/segment-00000001.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('TOKEN_two', 'TOKEN_six'))
    const { code, stderr } = await run(['audit', 'report', ...copies, '--key-file', 'keys', '--output', 'all.html'])
    expect([code, stderr]).toEqual([
      65,
      expect.stringMatching(/^Of 2 folders, 1 is altered or incomplete: copies\/two\.\ncopies\/two: The trail is NOT /),
    ])
  })

  it('recognises two machines that write as one', async () => {
    const { run, folder } = await audited()
    cpSync(join(folder, 'trail'), join(folder, 'clone'), { recursive: true })
    for (const each of ['trail', 'clone']) {
      writeFileSync(join(folder, 'finchat-secrets.config.json'), JSON.stringify({ ...config, audit: { folder: each } }))
      expect((await run(['get', 'TOKEN'])).code).toBe(0)
    }
    const { code, stdout } = await run(['audit', 'verify', 'trail', 'clone', ...key])
    expect([code, stdout]).toEqual([65, expect.stringContaining('trail: It and clone are one folder with two histories.')])
  })

  it('says so if no key is that of the folder, and shows none', async () => {
    const { run, folder, keys } = await fleet()
    writeFileSync(join(folder, 'others'), `audit-key:${'A'.repeat(43)}\naudit-key:${'B'.repeat(42)}A\n`)
    const { code, stderr } = await run(['audit', 'verify', 'copies/one', '--key-file', 'others'])
    expect([code, stderr]).toEqual([64, expect.stringContaining('none of the keys is that of this folder')])
    for (const each of keys) expect(stderr).not.toContain(each)
  })

  it('is CSV with every table whole', async () => {
    const { run, folder } = await fleet()
    await run(['audit', 'report', ...copies, '--key-file', 'keys', '--output', 'all.csv'])
    const csv = readFileSync(join(folder, 'all.csv'), 'utf8')
    for (const title of ['"Folders"', '"Denied"', '"Who read what"', '"Days"']) expect(csv).toContain(`\r\n${title}\r\n`)
  })
})

describe('a key that is sealed for the auditor', () => {
  it('is opened by the private key, and needs nobody where the service runs', async () => {
    const { run, folder } = makeProgram(config)
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { publicKey, privateKey } = generateKeyPairSync('x25519')
    writeFileSync(join(folder, 'auditor.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
    writeFileSync(join(folder, 'auditor.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const made = await run(['audit', 'init', 'trail', '--auditor', 'auditor.pub'])
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^[\da-f-]{36}\n$/)])
    expect(made.stderr).not.toContain('audit-key:')
    await run(['set', 'TOKEN'], canary)
    const copied = await run(['audit', 'copy', 'trail', 'copy', '--checkpoints', 'checkpoints'])
    expect(copied.stderr).toContain(`--checkpoints ${join(folder, 'copy', 'checkpoints')} --auditor-key FILE\n`)
    const { code, stdout } = await run(['audit', 'verify', 'copy', '--auditor-key', 'auditor.pem'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('Complete until 20')])
    expect((await run(['audit', 'verify', 'copy', '--auditor-key', 'auditor.pub'])).code).not.toBe(0)
    expect((await run(['audit', 'verify', 'copy', '--auditor-key', 'auditor.pem', '--key-file', 'auditor.pem'])).code).toBe(64)
    expect((await run(['audit', 'init', 'other', '--auditor', 'auditor.pub', '--reveal'])).code).toBe(64)
    expect(existsSync(join(folder, 'other'))).toBe(false)
  })

  it.each([
    ['--auditor', ['init', 'other'], 'x25519', 'openssl pkey -in auditor.pem -pubout -out auditor.pub'],
    ['--checkpoint-key', ['verify', 'trail', ...proof], 'ed25519', 'openssl pkey -in signing.pem -pubout -out signing.pub'],
    ['--prune-key', ['verify', 'trail', ...proof], 'ed25519', 'openssl pkey -in signing.pem -pubout -out signing.pub'],
  ] as const)(
    'is never a private one where %s takes the public one, which the error says how to make',
    async (flag, call, kind, command) => {
      const { run, folder } = await audited()
      const { privateKey } = kind === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ed25519')
      const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
      writeFileSync(join(folder, 'mine.pem'), pem)
      const { code, stdout, stderr } = await run(['audit', ...call, flag, 'mine.pem'])
      expect([code, stdout]).toEqual([70, ''])
      expect(stderr).toContain(`${flag} is a private key, which must not be on this host`)
      expect(stderr).toContain(command)
      expect(stderr).not.toContain(pem.split('\n')[1])
      expect(existsSync(join(folder, 'other'))).toBe(false)
    },
  )

  it('is missed where none is sealed', async () => {
    const { run, folder } = await audited()
    writeFileSync(join(folder, 'auditor.pem'), generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))
    expect(await run(['audit', 'verify', 'trail', '--auditor-key', 'auditor.pem'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('no key is sealed in this folder'),
    })
  })
})

describe('audit copy', () => {
  it('makes what the auditor verifies, by the command that it names', async () => {
    const { run, folder } = await audited()
    const { code, stdout, stderr } = await run(['audit', 'copy', 'trail', 'copy', '--checkpoints', 'checkpoints'])
    expect([code, stdout]).toEqual([0, `${join(folder, 'copy', 'audit')}\n`])
    const [, command = ''] = /verifies it by: finchat-secrets (.*)/.exec(stderr) ?? []
    expect(command).toMatch(/ --key-file FILE$/)
    expect(await run(command.replace('FILE', 'audit.key').split(' '))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Verified/),
    })
    const again = await run(['audit', 'copy', 'trail', 'copy', '--checkpoints', 'checkpoints', '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({ segments: 3, copied: 0 })
    // The folder of the copy is enough: its checkpoints are in it.
    expect(await run(['audit', 'verify', 'copy', ...key])).toMatchObject({ code: 0, stdout: expect.stringContaining('Complete until 20') })
    expect((await run(['audit', 'report', 'copy', ...key])).stdout).toMatch(/Checkpoints: \d+ from .*checkpoints, the newest of 20/)
  })

  it('that is not complete is not verified', async () => {
    const { run, folder } = await audited()
    await run(['audit', 'copy', 'trail', 'copy'])
    cpSync(join(folder, 'copy/audit/index.jsonl'), join(folder, 'copy/audit/index.part'))
    expect(await run(['audit', 'verify', 'copy/audit', ...key])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('not complete'),
    })
    expect((await run(['audit', 'copy', 'none', 'copy'])).code).toBe(70)
  })

  it('of a folder to itself is refused, without advice to run it again', async () => {
    const { run } = await audited()
    const { code, stderr } = await run(['audit', 'copy', 'trail', 'trail'])
    expect([code, stderr]).toEqual([70, expect.stringMatching(/^error: nothing was copied\nwhy: {3}source and target are the same folder/)])
  })

  it('that was broken off goes on when it is run again', async () => {
    const { run, folder } = await audited()
    const segment = readdirSync(join(folder, 'trail')).find((name) => /^segment.*jsonl$/.test(name)) ?? ''
    mkdirSync(join(folder, 'copy/audit', segment, 'x'), { recursive: true })
    const { code, stderr } = await run(['audit', 'copy', 'trail', 'copy'])
    expect([code, stderr]).toEqual([70, expect.stringContaining('error: the copy is not complete: run it again to go on\n')])
    rmSync(join(folder, 'copy/audit', segment), { recursive: true })
    expect((await run(['audit', 'copy', 'trail', 'copy'])).code).toBe(0)
  })
})

function columns({ stdout }: Outcome, column: number): string[] {
  return stdout === ''
    ? []
    : stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')[column] ?? '')
}

describe('audit prune', () => {
  const flags = ['--before', '2026-01-01', '--reason', 'retention']

  it('removes nothing that is young, nothing without a yes, and nothing under a hold', async () => {
    const { run, folder } = await audited()
    const names = readdirSync(join(folder, 'trail'))
    expect(await run(['audit', 'prune', 'trail', ...flags])).toMatchObject({ code: 64, stderr: expect.stringContaining('--yes') })
    expect((await run(['audit', 'prune', 'trail', ...flags, '--yes', '--json'])).stdout).toBe(
      '{"segments":0,"records":0,"files":0,"kept":[]}\n',
    )
    expect(readdirSync(join(folder, 'trail')).filter((name) => name !== 'retention.lock')).toEqual(names)
    expect((await run(['audit', 'hold', 'trail', '--reason', 'case 4711'])).code).toBe(0)
    const { code, stderr } = await run(['audit', 'prune', 'trail', ...flags, '--yes'])
    expect([code, stderr]).toEqual([70, expect.stringContaining('legal hold')])
    expect((await run(['audit', 'verify', 'trail', ...proof])).stdout).toContain('Under a legal hold since 20')
    const [, advised = ''] = /`finchat-secrets (.+) --reason TEXT`/.exec(stderr) ?? []
    expect((await run([...advised.split(' '), '--reason', 'closed'])).code).toBe(0)
    expect((await run(['audit', 'prune', 'trail', ...flags, '--yes'])).code).toBe(0)
  })

  it('is forbidden by each of several holds, which --hold names', async () => {
    const { run } = await audited()
    const prune = async () => run(['audit', 'prune', 'trail', ...flags, '--yes'])
    await run(['audit', 'hold', 'trail', '--reason', 'case 4711'])
    const { stderr } = await run(['audit', 'hold', 'trail', '--reason', "the owner's audit"])
    expect(stderr).toContain('nothing is pruned until the last of 2 holds is over')
    expect(stderr).toContain(String.raw`--release --hold 'the owner'\''s audit' --reason TEXT`)
    expect(await run(['audit', 'hold', 'trail', '--reason', 'x', '--hold', 'case 4711'])).toMatchObject({ code: 64 })
    const release = ['audit', 'hold', 'trail', '--release', '--reason', 'closed']
    expect(await run(release)).toMatchObject({
      code: 70,
      stderr: expect.stringContaining('pass one of "case 4711", "the owner\'s audit" as --hold'),
    })
    expect((await run([...release, '--hold', 'case 4711'])).stderr).toContain('the hold is over\nnothing is pruned until:\n')
    expect((await prune()).stderr).toContain('"the owner\'s audit"')
    expect((await run(release)).stderr).toBe('the hold is over: old records may be pruned\n')
    expect((await prune()).code).toBe(0)
  })

  it('removes old segments, and the trail still verifies', async () => {
    const { run, folder } = await audited()
    const ended = Date.now()
    await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(ended) // the ends are recorded with a time that is past
    const before = new Date().toISOString()
    const { code, stderr } = await run(['audit', 'prune', 'trail', '--before', before, '--reason', 'retention', '--yes'])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^removed: 4 records in 3 segments; .*\nwithout --signing-key /)])
    expect(readdirSync(join(folder, 'trail')).filter((name) => /^segment.*jsonl/.test(name))).toEqual([])
    const verified = await run(['audit', 'verify', 'trail', ...proof])
    expect([verified.code, verified.stdout]).toEqual([1, expect.stringContaining('4 records in 3 segments, older than')])
  })

  it.each([['400'], ['0d'], ['yesterday'], ['2026-02-30']])('takes no time %s', async (time) => {
    const { run } = await audited()
    expect((await run(['audit', 'prune', 'trail', '--before', time, '--reason', 'x', '--yes'])).code).toBe(64)
  })
})

describe('audit rotate', () => {
  it('begins the next folder, where the next command writes, and the trail is verified as one', async () => {
    const { run, folder } = await audited()
    const today = (): string => join(folder, 'trail', new Date().toISOString().slice(0, 10))
    const before = today()
    const { code, stdout, stderr } = await run(['audit', 'rotate', 'trail'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('the same key verifies it')])
    expect([before, today()]).toContain(stdout.trimEnd())
    await run(['get', 'TOKEN'])
    expect(readdirSync(stdout.trimEnd())).toContain('segment-00000001.jsonl')
    const verified = await run(['audit', 'verify', 'trail', ...proof])
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('every record is as it was written (5).')])
    expect(columns(await run(['audit', 'query', 'trail', '--unverified']), 2)).toHaveLength(5)
    expect((await run(['audit', 'copy', 'trail', 'copy', '--checkpoints', 'checkpoints'])).code).toBe(0)
    expect((await run(['audit', 'verify', 'copy/audit', ...key, '--checkpoints', 'copy/checkpoints'])).code).toBe(0)
    rmSync(stdout.trimEnd(), { recursive: true })
    const gone = await run(['audit', 'verify', 'trail', ...proof])
    expect([gone.code, gone.stdout]).toEqual([65, expect.stringContaining('the folder in which the trail goes on is gone')])
  })
})

it.each([
  ['--reason', ['prune', 'trail', '--before', '400d', '--yes']],
  ['--before', ['prune', 'trail', '--reason', 'x', '--yes']],
  ['--names', ['erase', 'trail', 'alice', '--reason', 'x']],
  ['--reason', ['hold', 'trail']],
])('says that %s is required, where it is left out of audit %j', async (flag, args) => {
  const { run, folder } = makeProgram({})
  onTestFinished(() => rmSync(folder, { recursive: true }))
  expect(await run(['audit', ...args])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining(`why:   ${flag} is required, and has no value`),
  })
})

describe('a time range', () => {
  it.each([['query'], ['report']])('leaves out records of an audit %s, and no segment of its verification', async (command) => {
    const { run, folder } = await audited()
    const ranged = (...range: string[]): Promise<Outcome> => run(['audit', command, 'trail', ...proof, ...range])
    for (const range of [[], ['--from', '45d'], ['--to', '1d'], ['--to', '2001-01-01']]) {
      const { code, stdout, stderr } = await ranged(...range)
      expect([code, stdout + stderr], range.join(' ')).toEqual([0, expect.stringContaining('every record is as it was written (4)')])
    }
    expect(await ranged('--from', '1d', '--to', '2d')).toMatchObject({ code: 64, stdout: '' })
    alter(join(folder, 'trail'))
    expect((await ranged('--to', '2001-01-01')).code).toBe(65)
  })
})

describe('a configuration with audit.sealNames', () => {
  const own = { ...config, audit: { ...config.audit, sealNames: 'names.key', sealNamesOf: ['actor', 'name'] } }

  it('seals names in what a command and a service record, so that they can be erased', async () => {
    const { run, folder, key: appKey } = makeProgram(own)
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'audit.key'), (await run(['audit', 'init', 'trail'])).stdout)
    expect((await run(['set', 'TOKEN'], canary)).code).toBe(0)
    const { secrets } = await loadConfig({ cwd: folder, env: { APP_KEY: appKey } })
    await secrets.getSecret('TOKEN', { actor: 'alice@example.com' })
    await secrets.close()
    const trail = readdirSync(join(folder, 'trail')).map((name) => readFileSync(join(folder, 'trail', name), 'latin1'))
    expect(trail.filter((content) => content.includes('TOKEN') || content.includes('alice'))).toEqual([])
    const names = ['--names', 'names.key']
    const read = async (): Promise<Outcome> => run(['audit', 'query', 'trail', ...key, ...names, '--operation', 'get'])
    expect([columns(await read(), 2), columns(await read(), 5)]).toEqual([['TOKEN'], ['alice@example.com']])
    const erase = ['audit', 'erase', 'trail', 'alice@example.com', ...names, '--reason', 'request 17', '--yes']
    expect(await run(erase)).toMatchObject({ code: 0, stderr: expect.stringContaining('erased: 1 name of 1') })
    expect(columns(await read(), 5)).toEqual([expect.stringMatching(/^erased name/)])
  })

  it.each([
    [{ sealNames: 'names.key' }, 'audit.sealNames (FINCHAT_AUDIT_SEAL_NAMES) needs audit.folder'],
    [{ sealNamesOf: ['name'], folder: 'trail' }, 'audit.sealNamesOf (FINCHAT_AUDIT_SEAL_NAMES_OF) needs audit.sealNames'],
    [{ checkpoints: 'checkpoints' }, 'audit.checkpoints (FINCHAT_AUDIT_CHECKPOINTS) needs audit.folder'],
    [{ folder: 'trail', sealNames: 'none/names.key' }, 'the folder of the keys of names is not there'],
    [{ folder: 'trail', sealNames: 'names.key', sealNamesOf: ['host'] }, 'audit.sealNamesOf must be a list of actor, name'],
  ])('is refused where it cannot do what it says: %j', async (audit, why) => {
    const { run, folder } = makeProgram({ audit }, { A: canary })
    onTestFinished(() => rmSync(folder, { recursive: true }))
    await run(['audit', 'init', 'trail'])
    expect(await run(['get', 'A'])).toMatchObject({ code: 70, stdout: '', stderr: expect.stringContaining(why) })
  })

  it('has its file of name keys looked at by doctor', async () => {
    const { run, folder } = makeProgram(own)
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'names.key'), '', { mode: 0o644 })
    chmodSync(join(folder, 'names.key'), 0o644)
    expect((await run(['doctor'])).stdout).toContain('names.key holds a key or a token, and its mode is 644')
  })
})

describe('audit erase', () => {
  /** As a service with sealed names would write it. */
  async function sealed(): Promise<Program> {
    const program = await audited()
    const [trail, file] = [join(program.folder, 'trail'), join(program.folder, 'names.key')]
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder: trail })], sealNames: { file }, sinkDeadlineMs: 60_000 })
    const context = { signal: AbortSignal.timeout(60_000) }
    for (const actor of ['alice@example.com', 'bob@example.com'])
      await audit.record({ phase: 'outcome', time: Date.now(), operation: 'get', name: 'TOKEN', actor, outcome: 'ok' }, context)
    await audit.close?.(context)
    return program
  }

  it('takes the name from every record, and leaves a pseudonym, while others are shown', async () => {
    const { run } = await sealed()
    const names = ['--names', 'names.key']
    const actors = async (): Promise<string[]> => columns(await run(['audit', 'query', 'trail', ...key, ...names]), 5).slice(-2)
    expect(await actors()).toEqual(['alice@example.com', 'bob@example.com'])
    expect(columns(await run(['audit', 'query', 'trail', ...key, ...names, '--actor', 'bob@example.com']), 5)).toEqual(['bob@example.com'])
    const erase = (file: string, ...more: string[]): Promise<Outcome> =>
      run(['audit', 'erase', 'trail', 'alice@example.com', '--names', file, '--reason', 'request 17', ...more])
    expect(await erase('names.key')).toMatchObject({ code: 64, stderr: expect.stringContaining('--yes') })
    expect(await actors()).toEqual(['alice@example.com', 'bob@example.com'])
    const named = await run([
      'audit',
      'erase',
      'trail',
      'alice@example.com',
      '--names',
      'names.key',
      '--reason',
      'of alice@example.com',
      '--yes',
    ])
    expect([named.code, named.stderr]).toEqual([70, expect.stringContaining('--reason has one of the names in it')])
    const erased = await erase('names.key', '--yes')
    expect([erased.code, erased.stderr]).toEqual([0, expect.stringContaining('erased: 1 name of 1')])
    const [pseudonym] = /erased name [0-9a-f]{32}/.exec(erased.stderr) ?? []
    expect(await actors()).toEqual([pseudonym, 'bob@example.com'])
    expect(columns(await run(['audit', 'query', 'trail', ...key, ...names, '--actor', pseudonym ?? '']), 5)).toEqual([pseudonym])
    expect((await run(['audit', 'report', 'trail', ...key, ...names])).stdout).toContain('bob@example.com')
    const { stdout } = await run(['audit', 'verify', 'trail', ...key])
    expect(stdout).toContain('every record is as it was written (6)')
    expect(stdout).toMatch(new RegExp(`1 name of a person was erased at .* "request 17".* "${pseudonym}" in its place`))
    expect((await erase('none.key', '--yes')).code).toBe(70)
  })

  it('refuses names without a key in the file, and erases none of the others', async () => {
    const { run, folder } = await sealed()
    const erase = (...names: string[]): Promise<Outcome> =>
      run(['audit', 'erase', 'trail', ...names, '--names', 'names.key', '--reason', 'request 17', '--yes'])
    const before = readFileSync(join(folder, 'names.key'))
    const unknown = await erase('alice@example.com', 'carol@example.com')
    expect(unknown).toMatchObject({ code: 66, stdout: '' })
    expect(unknown.stderr).toMatch(/^error: nothing was erased\nwhy: {3}the file of name keys has no key of 1 of the 2 names: number 2 /)
    expect(unknown.stderr).toContain('misspelt')
    expect(unknown.stderr).not.toMatch(/alice|bob/)
    expect(readFileSync(join(folder, 'names.key'))).toEqual(before)
    expect((await erase('alice@example.com')).code).toBe(0)
    expect(await erase('alice@example.com')).toMatchObject({ code: 66, stderr: expect.stringContaining('erased before') })
  })

  it('refuses the keys of names of another trail', async () => {
    const [{ run }, other] = [await sealed(), await sealed()]
    const file = join(other.folder, 'names.key')
    const before = readFileSync(file)
    for (const command of ['query', 'report']) {
      const refused = await run(['audit', command, 'trail', ...key, '--names', file])
      expect([refused.code, refused.stderr], command).toEqual([70, expect.stringContaining('the keys of names are those of another trail')])
    }
    const erase = ['audit', 'erase', 'trail', 'alice@example.com', '--names', file, '--reason', 'request 17', '--yes']
    expect(await run(erase)).toMatchObject({ code: 70, stderr: expect.stringContaining('those of another trail') })
    expect(readFileSync(file)).toEqual(before)
  })

  it('tells of a name whose key was destroyed without an erasure, and exits with 1', async () => {
    const { run, folder } = await sealed()
    const file = join(folder, 'names.key')
    const [row = ''] = /^.*alice.*$/m.exec(readFileSync(file, 'utf8')) ?? []
    writeFileSync(file, readFileSync(file, 'utf8').replace(row, ' '.repeat(row.length)))
    const said = '1 name has no key, though a file of name keys of each folder was given: "lost name'
    for (const more of [
      ['query', 'trail'],
      ['report', 'trail', '--output', 'report.html'],
    ]) {
      const found = await run(['audit', ...more, ...key, '--names', 'names.key'])
      expect([found.code, found.stderr], more[0]).toEqual([1, expect.stringContaining(said)])
    }
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('NOT EXPLAINED by an erasure of the trail')
  })

  it('shows sealed names in short where their keys are not given, and whole as JSON', async () => {
    const { run } = await sealed()
    const found = await run(['audit', 'query', 'trail', ...key])
    expect(columns(found, 5).slice(-2)).toEqual([
      expect.stringMatching(/^sealed name [0-9a-f]{32}$/),
      expect.stringMatching(/^sealed name/),
    ])
    expect((await run(['audit', 'query', 'trail', ...key, '--json'])).stdout).toMatch(/"actor":"sealed:[0-9a-f]{32}:[\w-]{64}/)
    expect((await run(['audit', 'report', 'trail', ...key])).stdout).toMatch(/sealed name [0-9a-f]{32} /)
    const howTo = '2 names are sealed, and shown as a pseudonym. To show names, give the file of name keys of each host: --names FILE'
    expect(found.stderr).toContain(howTo)
    expect((await run(['audit', 'report', 'trail', ...key])).stdout).toContain(howTo)
    expect((await run(['audit', 'verify', 'trail', ...key])).stdout).not.toContain('--names')
  })
})
