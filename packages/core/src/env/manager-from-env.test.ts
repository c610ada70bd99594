import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuditEvent, AuditTrail } from '../contract/audit.ts'
import type { SecretProvider } from '../contract/provider.ts'
import { type Environment, envProvider } from './env-provider.ts'
import type { ProviderFromEnv } from './environment-reader.ts'
import { type AuditFromEnv, type FromEnvOptions, secretsManagerFromEnv } from './manager-from-env.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const canary = 'canary-3b8e'

/** A package's provider of one secret, whose path a variable names. */
function storeOf(name: string, secrets: Record<string, string>): ProviderFromEnv {
  return (env) => envProvider({ name, env: secrets, names: env.names(`FINCHAT_${name.toUpperCase()}_NAMES`) })
}

function refusal(available: Record<string, ProviderFromEnv>, env: Environment, options: FromEnvOptions = {}): SecretsError {
  try {
    secretsManagerFromEnv(available, { ...options, env })
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(canary)
    expect(error).toMatchObject({ code: 'CONFIGURATION' })
    return error
  }
  throw new Error('it did not throw')
}

/** The problems that the error lists. */
function problemsOf(...args: Parameters<typeof refusal>): string[] {
  return refusal(...args)
    .problem.split('\n  ')
    .slice(1)
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
})

describe('secretsManagerFromEnv', () => {
  it('reads FINCHAT_TOKEN without other settings, at each call', async () => {
    const secrets = secretsManagerFromEnv()
    vi.stubEnv('FINCHAT_TOKEN', 'dev-token')
    expect(await secrets.getSecret('FINCHAT_TOKEN')).toBe('dev-token')
  })

  it('asks the provider first, then its fallbacks in order, each once', async () => {
    const env = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_SECRETS_FALLBACKS: ' local, vault ,env,local', A: 'env', B: 'env', C: 'env' }
    const secrets = secretsManagerFromEnv(
      { vault: storeOf('vault', { A: 'vault' }), local: storeOf('local', { A: 'local', B: 'local' }) },
      { env },
    )
    expect(await Promise.all(['A', 'B', 'C'].map((name) => secrets.getSecret(name)))).toEqual(['vault', 'local', 'env'])
  })

  it('falls back to env unless the list of fallbacks is empty', async () => {
    const env = { FINCHAT_SECRETS_PROVIDER: 'vault', A: 'env' }
    const vault = storeOf('vault', {})
    expect(await secretsManagerFromEnv({ vault }, { env }).getSecret('A')).toBe('env')
    await expect(secretsManagerFromEnv({ vault }, { env: { ...env, FINCHAT_SECRETS_FALLBACKS: '' } }).getSecret('A')).rejects.toMatchObject(
      { code: 'NOT_FOUND' },
    )
  })

  it('finds existing secrets by the names of a variable', async () => {
    const env = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_VAULT_NAMES: 'FINCHAT_TOKEN=finchat/token#token, DB=prod/db' }
    const secrets = secretsManagerFromEnv({ vault: storeOf('vault', { 'finchat/token': '{"token":"t"}', 'prod/db': 'd' }) }, { env })
    expect(await Promise.all([secrets.getSecret('FINCHAT_TOKEN'), secrets.getSecret('DB')])).toEqual(['t', 'd'])
  })

  it("accepts an application's own providers, env included", async () => {
    const env = { FINCHAT_SECRETS_PROVIDER: 'constructor', A: 'real' }
    const own = { constructor: storeOf('constructor', {}), env: () => envProvider({ prefix: 'APP_', env: { APP_A: 'own' } }) }
    expect(await secretsManagerFromEnv(own, { env }).getSecret('A')).toBe('own')
  })

  it('makes only the named providers', () => {
    const aws = vi.fn<ProviderFromEnv>()
    secretsManagerFromEnv({ aws }, { env: {} })
    expect(aws).not.toHaveBeenCalled()
  })

  it.each([
    [{}, undefined, 300],
    [{}, 20, 20],
    [{ FINCHAT_SECRETS_CACHE_TTL: '' }, undefined, 300],
    [{ FINCHAT_SECRETS_CACHE_TTL: '60' }, undefined, 60],
    [{ FINCHAT_SECRETS_CACHE_TTL: '60' }, 20, 60],
  ])('with %j, and %s in the options, keeps values for up to %i seconds', async (variables, ttlSeconds, expected) => {
    vi.useFakeTimers({ now: 1_000_000 })
    const provider = envProvider({ env: { A: 'x' } })
    const get = vi.fn<typeof provider.get>(provider.get)
    const env = { FINCHAT_SECRETS_PROVIDER: 'counted', ...variables }
    const secrets = secretsManagerFromEnv({ counted: () => ({ ...provider, name: 'counted', get }) }, { env, cache: { ttlSeconds } })
    await secrets.getSecret('A')
    vi.setSystemTime(1_000_000 + expected * 0.6 * 1000)
    await secrets.getSecret('A')
    expect(get).toHaveBeenCalledTimes(1)
    vi.setSystemTime(1_000_000 + expected * 1000)
    await secrets.getSecret('A')
    expect(get).toHaveBeenCalledTimes(2)
  })

  it('lists all problems in one error, without values', () => {
    const vault: ProviderFromEnv = (env) => {
      const url = env.required('FINCHAT_VAULT_URL')
      env.required('FINCHAT_VAULT_TOKEN')
      env.names('FINCHAT_VAULT_NAMES')
      if (env.optional('FINCHAT_VAULT_KIND') === canary) env.problem('FINCHAT_VAULT_KIND must be kv')
      if (url === '') throw new SecretsError('CONFIGURATION', 'url is empty')
      return envProvider()
    }
    const env = {
      FINCHAT_SECRETS_PROVIDER: 'vault',
      FINCHAT_SECRETS_FALLBACKS: `aws,${canary},env`,
      FINCHAT_SECRETS_CACHE_TTL: canary,
      FINCHAT_VAULT_TOKEN: '',
      FINCHAT_VAULT_NAMES: `A=b,${canary},A=c`,
      FINCHAT_VAULT_KIND: canary,
    }
    expect(problemsOf({ vault }, env)).toEqual([
      'FINCHAT_VAULT_URL is not set',
      'FINCHAT_VAULT_TOKEN is not set',
      'FINCHAT_VAULT_NAMES: entry 2 must read NAME=path or NAME=path#field',
      'FINCHAT_VAULT_NAMES: "A" is listed twice',
      'FINCHAT_VAULT_KIND must be kv',
      'FINCHAT_SECRETS_FALLBACKS names aws: install @finchat/secrets-provider-aws and pass its awsFromEnv, as secretsManagerFromEnv({ aws: awsFromEnv })',
      'FINCHAT_SECRETS_FALLBACKS must be a list of env, vault, aws, local, ssm, mounted, age, sops, kubernetes; leave it empty for none',
      'FINCHAT_SECRETS_CACHE_TTL must be a whole number of seconds, such as 300',
    ])
  })

  it.each(['1.5', '-1', '1e3', '0x10', ' 5', 'Infinity', '9999999999'])('refuses %j as a TTL', (ttl) => {
    expect(problemsOf({}, { FINCHAT_SECRETS_CACHE_TTL: ttl })).toEqual([
      'FINCHAT_SECRETS_CACHE_TTL must be a whole number of seconds, such as 300',
    ])
  })

  it.each([
    ['FINCHAT_SECRETS_PROVIDER', 'lokal', 'local'],
    ['FINCHAT_SECRETS_PROVIDER', 'AWS', 'aws'],
    ['FINCHAT_SECRETS_FALLBACKS', 'vualt', 'vault'],
  ])('says what is meant by %s=%s', (variable, name, meant) => {
    const [problem] = problemsOf({}, { [variable]: name })
    expect(problem).toMatch(new RegExp(`^${variable} must .*; did you mean ${meant}\\?$`))
    expect(problem).not.toContain(name)
  })

  it.each(['toString', 'k8s', 'aws,vault'])('refuses %j as a provider', (name) => {
    expect(problemsOf({}, { FINCHAT_SECRETS_PROVIDER: name })).toEqual([
      'FINCHAT_SECRETS_PROVIDER must name one provider: env, aws, vault, local, ssm, mounted, age, sops, kubernetes; those to ask next go into FINCHAT_SECRETS_FALLBACKS',
    ])
  })

  it('names the package of each of our providers', () => {
    for (const [name, home] of [
      ['local', '@finchat/secrets-provider-local'],
      ['ssm', '@finchat/secrets-provider-aws-ssm'],
    ] as const) {
      expect(problemsOf({}, { FINCHAT_SECRETS_PROVIDER: name })).toEqual([
        `FINCHAT_SECRETS_PROVIDER names ${name}: install ${home} and pass its ${name}FromEnv, as secretsManagerFromEnv({ ${name}: ${name}FromEnv })`,
      ])
    }
  })

  it("passes on a provider's problem, and nothing of a foreign error", () => {
    const failing =
      (error: Error): ProviderFromEnv =>
      (): SecretProvider => {
        throw error
      }
    const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_SECRETS_FALLBACKS: 'other' }
    const local = failing(new SecretsError('CONFIGURATION', 'Encryption key must be at least 32 bytes long'))
    expect(problemsOf({ local, other: failing(new TypeError(canary)) }, env)).toEqual([
      'local: Encryption key must be at least 32 bytes long',
      'other: its provider could not be made from the variables',
    ])
  })

  it("lists a provider's problem and those of its names, each once", () => {
    const refusing: ProviderFromEnv = (env) => {
      env.names('FINCHAT_LOCAL_NAMES')
      throw new SecretsError('CONFIGURATION', 'the key is too short')
    }
    const blocked: ProviderFromEnv = (env) => {
      env.required('FINCHAT_VAULT_URL')
      throw new SecretsError('CONFIGURATION', 'no url')
    }
    const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_SECRETS_FALLBACKS: 'vault', FINCHAT_LOCAL_NAMES: 'A' }
    const lines = messageOf(() => secretsManagerFromEnv({ local: refusing, vault: blocked }, { env }))
      .split('\n')
      .slice(1)
    expect(lines).toEqual([
      '  FINCHAT_LOCAL_NAMES: entry 1 must read NAME=path or NAME=path#field',
      '  local: the key is too short',
      '  FINCHAT_VAULT_URL is not set',
    ])
  })

  it('has a remedy for a provider instead of its factory', () => {
    const local = envProvider({ name: 'local' }) as unknown as ProviderFromEnv // what JavaScript could pass
    const env = { FINCHAT_SECRETS_PROVIDER: 'local' }
    expect(messageOf(() => secretsManagerFromEnv({ local }, { env }))).toContain(
      'local is an object: pass localFromEnv itself, without calling it',
    )
  })

  it.each([
    ['vault', 'an object: pass vaultFromEnv itself, without calling it'],
    ['env', 'an object: pass the variables as an option, secretsManagerFromEnv({}, { env })'],
    ['own', 'an object: pass a function that makes the provider of the variables'],
  ])('has a remedy for %s that is no function, for any choice of provider', (name, said) => {
    const available = { [name]: { FINCHAT_TOKEN: canary } as unknown as ProviderFromEnv } // what JavaScript could pass
    const env = { FINCHAT_SECRETS_PROVIDER: 'main', FINCHAT_SECRETS_FALLBACKS: '' }
    expect(problemsOf({ main: () => envProvider({ name: 'main' }), ...available }, env)).toEqual([`${name} is ${said}`])
  })

  it('treats undefined as not passed', async () => {
    const available = { vault: undefined } as unknown as Record<string, ProviderFromEnv> // what JavaScript could pass
    expect(await secretsManagerFromEnv(available, { env: { A: 'a' } }).getSecret('A')).toBe('a')
  })

  it.each<[unknown, unknown, string]>([
    [() => envProvider(), {}, 'the map of provider factories is a function (pass { local: localFromEnv })'],
    [[() => envProvider()], {}, 'the map of provider factories is an array'],
    [null, {}, 'the map of provider factories is null'],
    [{}, null, 'the options are null instead of an object (use cache, audit, '],
    [{}, 'env', 'the options are text'],
    [{}, { env: 'A=1' }, 'env is text (pass an object of texts, such as process.env)'],
    [{}, { env: null }, 'env is null'],
    [{}, { env: new Map([['A', canary]]) }, 'env is a Map'],
    [{}, { evn: {} }, 'the option "evn" is not known (use cache, audit, aliases, fallback, writeTo, deadlineMs, autoCleanup, env)'],
    [{}, { providers: [envProvider()] }, 'the option "providers" is not known'],
    [{}, { env: {}, cache: 'x' }, 'cache is text'],
    [{}, { env: {}, cache: [] }, 'cache is an array'],
  ])('refuses %o with %o', (available, options, said) => {
    const call = (): unknown => secretsManagerFromEnv(available as never, options as never)
    expect(call).toThrow(expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(said) }))
    expect(messageOf(call)).not.toContain(canary)
  })
})

describe('a factory of ours under another name', () => {
  const vaultFromEnv: ProviderFromEnv = (env) => storeOf('vault', {})(env)
  const env = { FINCHAT_SECRETS_PROVIDER: 'env' }

  it.each([
    ['aws', 'swapped'],
    ['vualt', 'misspelt'],
    ['0', 'in an array'],
  ])('is refused as %j (%s), for any choice of provider', (name) => {
    expect(problemsOf({ [name]: vaultFromEnv }, env)).toEqual([`"${name}" makes the provider vault: pass { vault: vaultFromEnv }`])
  })

  it('is recognised by its provider if its function name is lost', () => {
    const problems = ['"aws" makes the provider vault: pass { vault: vaultFromEnv }']
    expect(problemsOf({ aws: (each) => vaultFromEnv(each) }, { FINCHAT_SECRETS_PROVIDER: 'aws' })).toEqual(problems)
  })

  it('is allowed if an application made its own provider of it', async () => {
    const local: ProviderFromEnv = (each) => vaultFromEnv(each)
    const own = secretsManagerFromEnv(
      { main: local, vault: vaultFromEnv },
      { env: { ...env, FINCHAT_SECRETS_FALLBACKS: 'main,env', A: 'a' } },
    )
    expect(await own.getSecret('A')).toBe('a')
  })
})

describe('variables that are not read', () => {
  beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
  afterEach(() => void vi.restoreAllMocks())

  /** The warnings of the process when the manager is made. */
  async function warningsOf(available: Record<string, ProviderFromEnv>, env: Environment): Promise<string[]> {
    const secrets = secretsManagerFromEnv(available, { env: { A: 'a', ...env } })
    await secrets.getSecret('A')
    const calls = vi.mocked(process.emitWarning).mock.calls
    for (const [, options] of calls) expect(options).toEqual({ type: 'SecretsWarning', code: 'FINCHAT_SECRETS_VARIABLES' })
    expect(JSON.stringify(calls)).not.toContain(canary)
    return calls.map(([text]) => String(text))
  }
  const vault: ProviderFromEnv = (env) => {
    env.optional('FINCHAT_VAULT_TOKEN')
    return storeOf('vault', {})(env)
  }

  it('of a provider that was not chosen cause one warning', async () => {
    expect(await warningsOf({ vault }, { FINCHAT_VAULT_URL: canary, FINCHAT_VAULT_TOKEN: canary, FINCHAT_VAULT_NAMES: '' })).toEqual([
      '"FINCHAT_VAULT_URL", "FINCHAT_VAULT_TOKEN" are set, but vault is asked nothing: name it in FINCHAT_SECRETS_PROVIDER or FINCHAT_SECRETS_FALLBACKS',
    ])
  })

  it('that are misspelt cause a warning with the known ones', async () => {
    const env = { FINCHAT_SECRETS_FALLBACKS: 'vault', FINCHAT_VAULT_ADDR: canary, FINCHAT_VAULT_TOKEN: canary, FINCHAT_SECRETS_TTL: canary }
    expect(await warningsOf({ vault }, env)).toEqual([
      '"FINCHAT_SECRETS_TTL" is not known: use FINCHAT_SECRETS_CACHE_TTL',
      '"FINCHAT_VAULT_ADDR" is not known: use FINCHAT_VAULT_TOKEN, FINCHAT_VAULT_NAMES',
    ])
  })

  it('are named in the error too, with the right names, if the settings do not suffice', () => {
    const needy: ProviderFromEnv = (env) => {
      env.required('FINCHAT_VAULT_URL')
      return storeOf('vault', {})(env)
    }
    const env = { FINCHAT_SECRETS_PROVIDER: 'vault', FINCHAT_VAULT_ADDR: canary, FINCHAT_SECRETS_FALLBACK: 'env' }
    expect(problemsOf({ vault: needy }, env)).toEqual([
      'FINCHAT_VAULT_URL is not set',
      '"FINCHAT_SECRETS_FALLBACK" is not known: use FINCHAT_SECRETS_FALLBACKS',
      '"FINCHAT_VAULT_ADDR" is not known: use FINCHAT_VAULT_URL',
    ])
    expect(process.emitWarning).not.toHaveBeenCalled()
  })

  it('cause a warning if they are all but the name of a setting that is not set', async () => {
    const env = {
      FINCHAT_SECRETS_FALLBACKS: 'vault,env',
      FINCHAT_SECRET_PROVIDER: canary,
      FINCHAT_VALUT_TOKEN: canary,
      FINCHAT_ENV_NAME: canary,
    }
    expect(await warningsOf({ vault }, env)).toEqual([
      '"FINCHAT_SECRET_PROVIDER" is no setting: if it is not a secret\'s name, use FINCHAT_SECRETS_PROVIDER',
      '"FINCHAT_VALUT_TOKEN" is no setting: if it is not a secret\'s name, use FINCHAT_VAULT_TOKEN',
    ])
  })

  it('include the key of a local store that was not chosen', async () => {
    const local = { local: () => envProvider({ name: 'local', env: {} }) }
    expect(await warningsOf(local, { FINCHAT_ENCRYPTION_KEY: canary })).toEqual([
      '"FINCHAT_ENCRYPTION_KEY" is set, but local is asked nothing: name it in FINCHAT_SECRETS_PROVIDER or FINCHAT_SECRETS_FALLBACKS',
    ])
  })

  it('include a misspelt key of the local store', async () => {
    const local: ProviderFromEnv = (env) => {
      env.optional('FINCHAT_ENCRYPTION_KEY')
      return envProvider({ name: 'local', env: {} })
    }
    const env = { FINCHAT_SECRETS_FALLBACKS: 'local,env', FINCHAT_ENCRYPTION_KEYS: canary }
    expect(await warningsOf({ local }, env)).toEqual(['"FINCHAT_ENCRYPTION_KEYS" is not known: use FINCHAT_ENCRYPTION_KEY'])
  })

  it("cause no warning if they may be secrets or an application's settings", async () => {
    const env = {
      FINCHAT_TOKEN: canary,
      FINCHAT_ENCRYPTION_KEY: canary,
      FINCHAT_AWS_REGION: canary,
      FINCHAT_LOCAL_PATH: canary,
      FINCHAT_OWN_THING: canary,
    }
    const own = { local: () => envProvider({ name: 'local', env: {} }), own: () => envProvider({ name: 'own', env: {} }) }
    expect(await warningsOf(own, { ...env, FINCHAT_SECRETS_FALLBACKS: 'local,own,env' })).toEqual([])
  })
})

describe('an audit trail', () => {
  const events: AuditEvent[] = []
  const trail: AuditTrail = { specificationVersion: 'v1', record: async (event) => void events.push(event) }
  afterEach(() => void events.splice(0))

  it('is made of variables by the function that is passed', async () => {
    const audit: AuditFromEnv = (env) => (env.optional('FINCHAT_AUDIT_LINE') === 'true' ? trail : undefined)
    for (const [line, records] of [
      ['true', 1],
      ['false', 1],
    ] as const) {
      await secretsManagerFromEnv({}, { audit, env: { FINCHAT_AUDIT_LINE: line, A: 'a' } }).getSecret('A')
      expect(events.length).toBe(records)
    }
  })

  it('may be passed as it is', async () => {
    await secretsManagerFromEnv({}, { audit: trail, env: { FINCHAT_AUDIT_LINE: 'true', A: 'a' } }).getSecret('A')
    expect(events).toMatchObject([{ operation: 'get', name: 'A' }])
  })

  it.each(['FINCHAT_AUDIT_LINE', 'FINCHAT_AUDIT_FOLDER'])('that %s asks for and nothing makes is an error', (variable) => {
    expect(problemsOf({}, { [variable]: canary })).toEqual([
      `${variable} is set, but nothing is audited: install @finchat/secrets-audit and pass its auditFromEnv, as secretsManagerFromEnv({ … }, { audit: auditFromEnv })`,
    ])
    expect(() => secretsManagerFromEnv({}, { env: { [variable]: 'false' } })).not.toThrow()
  })

  describe('that was made for a manager that cannot be', () => {
    const failing = {
      'a wrong variable': { env: { FINCHAT_SECRETS_CACHE_TTL: 'x' } },
      'a variable that is no text': { env: { FINCHAT_SECRETS_CACHE_TTL: 300 as unknown as string } }, // as from JavaScript
      'a wrong option': { env: {}, deadlineMs: -1 },
    } satisfies Record<string, FromEnvOptions>
    const closable = (): { trail: AuditTrail; close: ReturnType<typeof vi.fn<() => Promise<void>>> } => {
      const close = vi.fn(async () => Promise.reject(new Error(canary)))
      return { trail: { ...trail, close }, close }
    }

    it.each(Object.entries(failing))('is closed once, because of %s', async (_, options) => {
      const { trail: ours, close } = closable()
      expect(() => secretsManagerFromEnv({}, { ...options, audit: () => ours })).toThrow(SecretsError)
      expect(close).toHaveBeenCalledOnce()
    })

    it('stays open while another manager uses it', async () => {
      const { trail: ours, close } = closable()
      const secrets = secretsManagerFromEnv({}, { env: {}, audit: () => ours })
      expect(() => secretsManagerFromEnv({}, { ...failing['a wrong variable'], audit: () => ours })).toThrow(SecretsError)
      expect(close).not.toHaveBeenCalled()
      await secrets.close().catch(() => {})
      expect(close).toHaveBeenCalledOnce()
    })

    it("stays open if it is the caller's own", () => {
      const { trail: ours, close } = closable()
      expect(() => secretsManagerFromEnv({}, { ...failing['a wrong variable'], audit: ours })).toThrow(SecretsError)
      expect(close).not.toHaveBeenCalled()
    })
  })

  it('that cannot be made is a problem among the others, without a value', () => {
    const wrong = new SecretsError('CONFIGURATION', 'the folder is no folder')
    for (const [error, said] of [
      [wrong, 'audit: the folder is no folder'],
      [new TypeError(canary), 'audit: the trail could not be made from the variables'],
    ] as const) {
      const audit: AuditFromEnv = () => {
        throw error
      }
      expect(problemsOf({}, { FINCHAT_SECRETS_CACHE_TTL: 'x' }, { audit })).toEqual([
        said,
        'FINCHAT_SECRETS_CACHE_TTL must be a whole number of seconds, such as 300',
      ])
    }
  })
})

function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    return String(error)
  }
  throw new Error('nothing was thrown')
}

describe('remedies that name an option', () => {
  const failing: ProviderFromEnv = (env) => {
    env.required('FINCHAT_DB_URL')
    env.optional('FINCHAT_DB_MUST_EXIST')
    const down = async (): Promise<never> => {
      throw new SecretsError('CONFIGURATION', 'no server', { remedy: 'correct `url`, `mustExist` or `other`' })
    }
    return { specificationVersion: 'v1', name: 'db', locate: (name) => ({ path: name }), get: down }
  }
  const env = { FINCHAT_SECRETS_PROVIDER: 'db', FINCHAT_DB_URL: 'x' }

  it('name the variable that it is read from', async () => {
    const secrets = secretsManagerFromEnv({ db: failing }, { env })
    await expect(secrets.getSecret('a')).rejects.toMatchObject({
      code: 'CONFIGURATION',
      remedy: 'correct FINCHAT_DB_URL, FINCHAT_DB_MUST_EXIST or `other`',
    })
    await secrets.close()
  })

  it('name it where the provider cannot be made', () => {
    const refusing: ProviderFromEnv = (variables) => {
      variables.required('FINCHAT_DB_URL')
      throw new SecretsError('CONFIGURATION', '`url` is no URL', { remedy: 'correct `url`' })
    }
    expect(problemsOf({ db: refusing }, env)).toEqual(['db: FINCHAT_DB_URL is no URL (correct FINCHAT_DB_URL)'])
  })
})
