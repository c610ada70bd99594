import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, promises, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { envManifest, envProvider, type EnvProviderOptions } from './env-provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const canary = 'canary-91c7'
const context = { signal: new AbortController().signal }

async function read(options: EnvProviderOptions, path: string): Promise<string | Uint8Array | undefined> {
  return (await envProvider(options).get(path, context))?.value
}

async function refusal(options: EnvProviderOptions, path: string): Promise<SecretsError> {
  const error: unknown = await read(options, path).then(
    (value) => new Error(`answered ${String(value)}`),
    (reason: unknown) => reason,
  )
  if (!SecretsError.isInstance(error)) throw error
  expect(error.cause).toBeUndefined()
  expect(inspect(error) + JSON.stringify(error)).not.toMatch(/ENOENT|no such file|canary/)
  return error
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-env-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, content)
  return path
}

describe('envProvider', () => {
  it("returns a variable's text, and undefined if it is not set", async () => {
    const env = { TOKEN: '00123', EMPTY: '', SPACES: ' x\n', UNSET: undefined }
    expect(await read({ env }, 'TOKEN')).toBe('00123')
    expect(await read({ env }, 'EMPTY')).toBe('')
    expect(await read({ env }, 'SPACES')).toBe(' x\n')
    for (const name of ['UNSET', 'OTHER', 'token', 'TOKEN ', 'TOK']) expect(await read({ env }, name)).toBeUndefined()
  })

  it('reads process.env at each call', async () => {
    const provider = envProvider()
    vi.stubEnv('FINCHAT_TEST_TOKEN', 'first')
    expect((await provider.get('FINCHAT_TEST_TOKEN', context))?.value).toBe('first')
    vi.stubEnv('FINCHAT_TEST_TOKEN', 'second')
    expect((await provider.get('FINCHAT_TEST_TOKEN', context))?.value).toBe('second')
  })

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('finds no inherited variable %j', async (name) => {
    expect(await read({}, name)).toBeUndefined()
    expect(await read({ env: {}, dotenv: 'A=1' }, name)).toBeUndefined()
    expect(await read({ env: Object.create({ [name]: canary }) as Record<string, string> }, name)).toBeUndefined()
  })

  it('returns the exact text under the exact name', async () => {
    const name = fc.string({ unit: 'binary' }).filter(envManifest.canHoldPath)
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, fc.string({ unit: 'binary' })), name, async (env, other) => {
        for (const [set, value] of Object.entries(env)) expect(await read({ env }, set)).toBe(value)
        if (!Object.hasOwn(env, other)) expect(await read({ env }, other)).toBeUndefined()
      }),
    )
  })

  it('maps names by names, prefix and onlyNamed', async () => {
    const provider = envProvider({ names: { db: 'DB_JSON#password' }, prefix: 'APP_' })
    expect(provider.locate?.('db')).toEqual({ path: 'DB_JSON', field: 'password' })
    expect(provider.locate?.('TOKEN')).toEqual({ path: 'APP_TOKEN' })
    expect(envProvider({ onlyNamed: true }).locate?.('TOKEN')).toBeUndefined()
  })

  it.each(['', 'a=b', 'a\0', '\ud800'])('refuses the path %j, which no variable can have', async (path) => {
    expect(envManifest.canHoldPath(path)).toBe(false)
    expect(envProvider().locate?.(path)).toBeUndefined()
    expect(await refusal({ env: { [path]: canary }, directory: folder }, path)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('refuses a variable that is not text', async () => {
    const env: object = { PORT: 5432 }
    expect(await refusal({ env: env as Record<string, string> }, 'PORT')).toMatchObject({ code: 'CONFIGURATION' })
  })

  it('has the members of its manifest, and prints no value', async () => {
    const provider = envProvider({ name: 'variables', env: { A: canary }, dotenv: `B=${canary}` })
    await provider.get('B', context)
    expect(inspect(provider, { depth: 9, showHidden: true }) + JSON.stringify(provider)).not.toContain(canary)
    expect(Object.keys(provider).toSorted()).toEqual(['checkHealth', 'get', 'locate', 'name', 'specificationVersion'])
    expect(envManifest.supports).toEqual(['checkHealth'])
  })

  it('does nothing for a call that was aborted before', async () => {
    const env = { A_FILE: file('a', canary) }
    const open = vi.spyOn(promises, 'open')
    const provider = envProvider({ env, fileVariables: true })
    for (const name of ['A', 'A_FILE'])
      await expect(provider.get(name, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(open).not.toHaveBeenCalled()
  })
})

describe('impossible options', () => {
  it.each<[object, RegExp]>([
    [{ env: 'A=1' }, /^env is text \(pass an object of texts, such as process\.env\)$/],
    [{ env: null }, /^env is null/],
    [{ env: new Map([['A', canary]]) }, /^env is a Map/],
    [{ env: [canary] }, /^env is an array/],
    [{ env: new URLSearchParams('A=1') }, /^env is a URLSearchParams/],
    [{ env: Promise.resolve({ A: '1' }) }, /^env is a Promise/],
    [{ env: 5 }, /^env is a number/],
    [
      { dotenv: '.env' },
      /^dotenv is not the text of a \.env file: it sets no variable \(pass what the file holds: readFileSync\('\.env', 'utf8'\)\)$/,
    ],
    [{ dotenv: `/home/${canary}/.env\n` }, /^dotenv is not the text of a/],
    [{ dotenv: `# remark\n${canary}` }, /^dotenv is not the text of a/],
    [{ dotenv: Buffer.from('A=1') }, /^the option dotenv is a Uint8Array \(pass a string\)$/],
    [{ dotenv: null }, /^the option dotenv is null/],
    [{ emptyIsAbsent: 'yes' }, /^the option emptyIsAbsent is text \(pass a boolean\)$/],
    [{ directory: 5 }, /^the option directory is a number/],
    [[], /^the options are an array/],
    [new Map([['env', {}]]), /^the options are a Map/],
  ])('are refused at once: %o', (options, message) => {
    const make = (): unknown => envProvider(options)
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringMatching(message) }))
    expect(make).not.toThrow(canary)
  })

  it.each(['', '\n', '# A remark', '\ufeff# one\r\n\r\n  # another\r\n', 'A=1', 'export A=1', 'A ='])(
    '%j is the text of a .env file',
    (dotenv) => {
      expect(() => envProvider({ dotenv })).not.toThrow()
    },
  )
})

describe('emptyIsAbsent', () => {
  const emptyIsAbsent = true

  it('treats an empty variable as not set, and keeps all others', async () => {
    const env = { EMPTY: '', SPACE: ' ', TOKEN: 'x' }
    expect(await read({ env, emptyIsAbsent }, 'EMPTY')).toBeUndefined()
    expect([await read({ env, emptyIsAbsent }, 'SPACE'), await read({ env, emptyIsAbsent }, 'TOKEN')]).toEqual([' ', 'x'])
    expect([await read({ env }, 'EMPTY'), await read({ env, emptyIsAbsent: false }, 'EMPTY')]).toEqual(['', ''])
  })

  it('goes on to dotenv, the name in capitals, the named file and the directory', async () => {
    const dotenv = 'A=dotenv\nB=\n'
    expect(await read({ env: { A: '' }, dotenv, emptyIsAbsent }, 'A')).toBe('dotenv')
    expect(await read({ env: {}, dotenv, emptyIsAbsent }, 'B')).toBeUndefined()
    expect(await read({ env: { 'db/key': '', DB_KEY: 'capitals' }, upperSnakeCase: true, emptyIsAbsent }, 'db/key')).toBe('capitals')
    const env = { C: '', C_FILE: file('c', 'named'), D: 'set', D_FILE: '' }
    expect(await read({ env, fileVariables: true, emptyIsAbsent }, 'C')).toBe('named')
    expect(await read({ env, fileVariables: true, emptyIsAbsent }, 'D')).toBe('set')
    expect(await read({ env: { c: '' }, directory: folder, emptyIsAbsent }, 'c')).toBe('named')
  })

  it('treats an empty file as missing', async () => {
    const options = { env: { A_FILE: file('a', '') }, fileVariables: true, directory: folder }
    expect(await read({ ...options, emptyIsAbsent }, 'A')).toBeUndefined()
    expect(await read({ ...options, emptyIsAbsent }, 'a')).toBeUndefined()
    expect([await read(options, 'A'), await read(options, 'a')]).toEqual(['', ''])
  })
})

describe('upperSnakeCase', () => {
  it('finds db/password in DB_PASSWORD, and prefers the exact name', async () => {
    const env = { DB_PASSWORD: 'mapped', 'api.key-2': 'exact', API_KEY_2: 'mapped' }
    expect(await read({ env, upperSnakeCase: true }, 'db/password')).toBe('mapped')
    expect(await read({ env, upperSnakeCase: true }, 'api.key-2')).toBe('exact')
    expect(await read({ env, upperSnakeCase: true }, 'api/key:2')).toBe('mapped')
    expect(await read({ env }, 'db/password')).toBeUndefined()
  })

  it('applies to files too', async () => {
    const options = { env: { DB_PASSWORD_FILE: file('x', 'named') }, upperSnakeCase: true, fileVariables: true, directory: folder }
    file('API_KEY', 'mounted')
    expect(await read(options, 'db/password')).toBe('named')
    expect(await read(options, 'api/key')).toBe('mounted')
  })
})

describe('dotenv', () => {
  it('may export a variable, and leave one blank', async () => {
    const options = { env: {}, dotenv: `export EMPTY=\nBLANK= \nTOKEN=${canary}\n` }
    expect(await Promise.all(['EMPTY', 'BLANK', 'TOKEN', 'export EMPTY'].map((name) => read(options, name)))).toEqual([
      '',
      '',
      canary,
      undefined,
    ])
  })

  it('is read by the rules of dotenv, after the environment', async () => {
    const options = { env: { A: 'real' }, dotenv: '\ufeffFIRST=1\nA=file\nexport B=\'two words\' # remark\nC="x\\ny"\nD=\n' }
    expect(await Promise.all(['FIRST', 'A', 'B', 'C', 'D', 'E'].map((name) => read(options, name)))).toEqual([
      '1',
      'real',
      'two words',
      'x\ny',
      '',
      undefined,
    ])
  })

  it('is never matched by a regular expression, which would leave it in RegExp.input', async () => {
    'none'.search(/none/)
    expect(await read({ env: {}, dotenv: `\ufeffA=1\nB=${canary}` }, 'A')).toBe('1')
    expect(RegExp.input).not.toContain(canary)
  })
})

describe('fileVariables', () => {
  it('reads the file that NAME_FILE names, byte for byte', async () => {
    const bytes = Uint8Array.of(0xff, 0x00, 0xfe)
    const env = {
      A_FILE: file('a', ' \ufefföß\r\n'),
      B_FILE: file('b', bytes),
      C_FILE: file('c', ''),
      D_FILE: file('d', '\ufeffx'),
      E: 'plain',
    }
    const values = await Promise.all(['A', 'B', 'C', 'D', 'E', 'F'].map((name) => read({ env, fileVariables: true }, name)))
    expect(values).toEqual([' \ufefföß\r\n', bytes, '', '\ufeffx', 'plain', undefined])
  })

  it('is off by default', async () => {
    expect(await read({ env: { A_FILE: file('a', 'x') } }, 'A')).toBeUndefined()
  })

  it('follows links, as Kubernetes mounts them', async () => {
    symlinkSync(file('target', 'linked'), join(folder, 'link'))
    expect(await read({ env: { A_FILE: join(folder, 'link') }, fileVariables: true }, 'A')).toBe('linked')
  })

  it('reads at most 64 KiB', async () => {
    const env = { A_FILE: file('a', 'x'.repeat(65_536)), B_FILE: file('b', 'x'.repeat(65_537)), C_FILE: '/dev/zero' }
    expect(await read({ env, fileVariables: true }, 'A')).toBe('x'.repeat(65_536))
    expect(await refusal({ env, fileVariables: true }, 'B')).toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('larger than 65536 bytes'),
    })
    expect(await refusal({ env, fileVariables: true }, 'C')).toMatchObject({ code: 'CONFIGURATION' })
  })

  it.each(['set', ''])('refuses a variable that is %j when its _FILE is set too', async (value) => {
    const error = await refusal({ env: { A: value, A_FILE: file('a', canary) }, fileVariables: true }, 'A')
    expect(error).toMatchObject({ code: 'CONFIGURATION', message: 'both "A" and "A_FILE" are set (unset one of them)' })
  })

  it.each(['', join(import.meta.dirname, 'no', canary), `${canary}\0`, 'x'.repeat(300)])(
    'says CONFIGURATION for %j, where no file can be, without quoting it',
    async (path) => {
      expect(await refusal({ env: { A_FILE: path }, fileVariables: true }, 'A')).toMatchObject({
        code: 'CONFIGURATION',
        message: expect.stringContaining('"A_FILE"'),
      })
    },
  )

  it('never hangs on a FIFO, and refuses a folder, a device and a socket', async () => {
    execFileSync('mkfifo', [join(folder, 'fifo')])
    const server = createServer().listen(join(folder, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    for (const path of [join(folder, 'fifo'), folder, '/dev/null', join(folder, 'socket')]) {
      const error = await refusal({ env: { A_FILE: path }, fileVariables: true }, 'A')
      expect(error).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('not a regular file') })
    }
    await new Promise((resolve) => server.close(resolve))
  })

  it.each([
    ['EACCES', 'PERMISSION_DENIED'],
    ['EPERM', 'PERMISSION_DENIED'],
    ['EMFILE', 'UNAVAILABLE'],
    ['EIO', 'UNAVAILABLE'],
    [`${canary} EVIL`, 'UNAVAILABLE'],
  ])('maps %s to %s, without its message', async (code, expected) => {
    vi.spyOn(promises, 'open').mockRejectedValue(Object.assign(new Error(canary), { code, path: canary }))
    expect(await refusal({ env: { A_FILE: 'a' }, fileVariables: true }, 'A')).toMatchObject({ code: expected })
  })
})

describe('directory', () => {
  it("returns a file's content, and undefined if it does not exist", async () => {
    file('token', 'x\n')
    file('db/password', 'y')
    const options = { env: {}, directory: folder }
    expect(await Promise.all(['token', 'db/password', 'other', 'token/below', 'x'.repeat(300)].map((name) => read(options, name)))).toEqual(
      ['x\n', 'y', undefined, undefined, undefined],
    )
  })

  it('prefers a variable', async () => {
    file('token', 'mounted')
    expect(await read({ env: { token: 'set' }, directory: folder }, 'token')).toBe('set')
  })

  it('reads a Kubernetes volume, whose files are links into a dated folder', async () => {
    file('..2026_11_25/token', 'x')
    symlinkSync('..2026_11_25', join(folder, '..data'))
    symlinkSync('..data/token', join(folder, 'token'))
    expect(await read({ env: {}, directory: folder }, 'token')).toBe('x')
  })

  it('never leaves the directory, by path or by link', async () => {
    const outside = file('outside', canary)
    const directory = join(folder, 'mounted')
    mkdirSync(directory)
    symlinkSync(outside, join(directory, 'link'))
    symlinkSync(folder, join(directory, 'up'))
    for (const path of ['link', 'up/outside']) {
      expect(await refusal({ env: {}, directory }, path)).toMatchObject({
        code: 'CONFIGURATION',
        message: expect.stringContaining('outside'),
      })
    }
    for (const path of ['../outside', '..', '.', 'x/../../outside', outside])
      expect(await read({ env: {}, directory }, path)).toBeUndefined()
  })

  it('knows a file by one name only', async () => {
    file('db/password', canary)
    for (const path of ['/db/password', 'db//password', 'db/./password', 'db/password/', 'x/../db/password', 'db\\password']) {
      expect(await read({ env: {}, directory: folder }, path)).toBeUndefined()
    }
  })

  describe('that kubelet has mounted', () => {
    const generation = '..2026_11_27_10_00_00.1234567890'
    beforeEach(() => {
      for (const path of ['db', 'nested/db', '..hidden', '...']) file(`${generation}/${path}`, canary)
      symlinkSync(generation, join(folder, '..data'))
      for (const name of ['db', 'nested']) symlinkSync(`..data/${name}`, join(folder, name))
    })

    it('returns each secret under its own name', async () => {
      for (const name of ['db', 'nested/db']) expect(await read({ env: {}, directory: folder }, name)).toBe(canary)
    })

    it("finds none under kubelet's own names, which begin with two dots", async () => {
      const inner = ['..data/db', `${generation}/db`, '..data/nested/db', '..data/..hidden', '..data/...', `nested/../..data/db`]
      for (const path of [...inner, `db/../${generation}/db`, '..data', '..', '...']) {
        expect(await read({ env: {}, directory: folder }, path), path).toBeUndefined()
        expect(await read({ env: {}, directory: folder, names: { db: path } }, path), path).toBeUndefined()
      }
      const nested = join(folder, generation)
      for (const path of ['..hidden', '...']) expect(await read({ env: {}, directory: nested }, path), path).toBeUndefined()
    })

    it('finds none under another case, trailing dots or spaces, or an encoding', async () => {
      const spellings = ['DB', 'Db', 'db.', 'db..', 'db ', 'db::$DATA', 'd%62', '%2e%2edata/db', 'nested%2fdb', '.db', 'ne\u0301sted/db']
      for (const path of spellings) expect(await read({ env: {}, directory: folder }, path), path).toBeUndefined()
    })

    it('finds a secret under one name only, of all paths of up to three segments', async () => {
      const segments = ['..data', generation, 'db', 'DB', 'nested', '.', '..', '...', '']
      const pairs = segments.flatMap((first) => segments.map((second) => `${first}/${second}`))
      const paths = [...segments, ...pairs, ...pairs.flatMap((pair) => segments.map((last) => `${pair}/${last}`))]
      const codeOf = ({ code }: SecretsError): string => code
      const given = []
      for (const path of paths)
        if (path !== '' && (await read({ env: {}, directory: folder }, path).catch(codeOf)) === canary) given.push(path)
      expect(given).toEqual(['db', 'nested/db'])
    })
  })

  /**
   * A file system that ignores case and trailing dots, as Windows's and macOS's do: every spelling
   * leads to the file.
   */
  function foldNames(): void {
    const { realpath, lstat } = promises
    const folded = (path: unknown): string =>
      join(
        folder,
        String(path)
          .slice(folder.length)
          .toLowerCase()
          .replaceAll(/\.+(?=\/|$)/g, ''),
      )
    vi.spyOn(promises, 'realpath').mockImplementation((path: unknown) => realpath(folded(path)))
    vi.spyOn(promises, 'lstat').mockImplementation((path: unknown) => lstat(folded(path)))
  }

  it('finds a file only under its listed name, even if the file system accepts other spellings', async () => {
    file('db/password', canary)
    folder = realpathSync(folder)
    foldNames()
    for (const path of ['DB/password', 'db/PASSWORD', 'db/password.', 'db./password', 'Db/Password..'])
      expect(await read({ env: {}, directory: folder }, path), path).toBeUndefined()
    expect(await read({ env: {}, directory: folder }, 'db/password')).toBe(canary)
  })

  it('finds a secret that one listing misses while kubelet swaps the volume', async () => {
    file('token', canary)
    vi.spyOn(promises, 'readdir').mockResolvedValueOnce([])
    expect(await read({ env: {}, directory: folder }, 'token')).toBe(canary)
  })

  it('is read by name if this process may not list it', async () => {
    file('db/password', canary)
    vi.spyOn(promises, 'readdir').mockRejectedValue(Object.assign(new Error('x'), { code: 'EACCES' }))
    expect(await read({ env: {}, directory: folder }, 'db/password')).toBe(canary)
  })

  it.each(['gone', '', 'token'])('says CONFIGURATION, never "no such secret", when the directory is %j', async (name) => {
    file('token', 'x')
    const options = { env: {}, directory: name && join(folder, name) }
    expect(await refusal(options, 'a')).toMatchObject({ code: 'CONFIGURATION', problem: '`directory` names no directory' })
    await expect(envProvider(options).checkHealth?.(context)).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it('is healthy while the directory is there', async () => {
    await expect(envProvider({ directory: folder }).checkHealth?.(context)).resolves.toBeUndefined()
    await expect(envProvider().checkHealth?.(context)).resolves.toBeUndefined()
  })

  it('refuses a folder where the secret should be', async () => {
    file('db/password', 'y')
    expect(await refusal({ env: {}, directory: folder }, 'db')).toMatchObject({ code: 'CONFIGURATION' })
  })

  it('says UNAVAILABLE, never "no such secret", for a link to nothing', async () => {
    symlinkSync('gone', join(folder, 'token'))
    expect(await refusal({ env: {}, directory: folder }, 'token')).toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('says UNAVAILABLE, never "no such secret", when Kubernetes swaps the volume under a read', async () => {
    file('token', 'x')
    const { open, realpath } = promises
    vi.spyOn(promises, 'open').mockImplementationOnce(async (...args) => {
      rmSync(join(folder, 'token'))
      return open(...args)
    })
    expect(await refusal({ env: {}, directory: folder }, 'token')).toMatchObject({ code: 'UNAVAILABLE' })

    vi.spyOn(promises, 'realpath').mockImplementationOnce(async () => join(await realpath(folder), 'replaced'))
    vi.spyOn(promises, 'stat').mockResolvedValueOnce(await promises.stat(folder))
    expect(await refusal({ env: {}, directory: folder }, 'token')).toMatchObject({ code: 'UNAVAILABLE' })
  })
})
