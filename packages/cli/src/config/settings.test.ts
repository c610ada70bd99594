import { auditFromEnv } from '@finchat/secrets-audit'
import { type EnvironmentReader, type ProviderFromEnv, secretsManagerFromEnv } from '@finchat/secrets-core'
import { namesFromEnv } from '@finchat/secrets-core/provider'
import { awsFromEnv } from '@finchat/secrets-provider-aws'
import { ssmFromEnv } from '@finchat/secrets-provider-aws-ssm'
import { mountedFromEnv } from '@finchat/secrets-provider-file'
import { ageFromEnv } from '@finchat/secrets-provider-file/age'
import { sopsFromEnv } from '@finchat/secrets-provider-file/sops'
import { kubernetesFromEnv } from '@finchat/secrets-provider-kubernetes'
import { localFromEnv } from '@finchat/secrets-provider-local'
import { vaultFromEnv } from '@finchat/secrets-provider-vault'
import { describe, expect, it } from 'vitest'
import { loadFactories } from './provider-packages.ts'
import { chainSettings, providerNames, sections } from './settings.ts'

const env = (reader: EnvironmentReader): unknown => namesFromEnv(reader, 'ENV')
const factories = {
  env,
  localFromEnv,
  awsFromEnv,
  ssmFromEnv,
  vaultFromEnv,
  kubernetesFromEnv,
  mountedFromEnv,
  ageFromEnv,
  sopsFromEnv,
  auditFromEnv,
}

/** Every variable that a factory asks for. */
function askedBy(factory: (reader: EnvironmentReader) => unknown): string[] {
  const asked = new Set<string>()
  const optional = (variable: string): undefined => void asked.add(variable)
  const reader: EnvironmentReader = {
    optional,
    required: (variable) => optional(variable) ?? '',
    names: (variable) => optional(variable) ?? {},
    problem: () => undefined,
  }
  try {
    factory(reader)
  } catch {
    // without values it cannot be made
  }
  return [...asked].toSorted()
}

describe('the settings of the configuration file', () => {
  it.each(Object.entries(factories))('say all that %s reads from variables, and no more', (name, factory) => {
    const settings = Object.values(sections[name.replace('FromEnv', '')] ?? {})
    const variables = settings.flatMap(({ variable, fileVariable }) => [variable, ...(fileVariable === undefined ? [] : [fileVariable])])
    expect(variables.toSorted()).toEqual(askedBy(factory))
  })

  it('have the providers that core knows, each in the package that core names', async () => {
    for (const name of providerNames.filter((each) => each !== 'env')) {
      expect(() => secretsManagerFromEnv({}, { env: { FINCHAT_SECRETS_PROVIDER: name } })).toThrow(/install @finchat\/secrets-provider-/)
      const { providers } = await loadFactories([name], false, '/')
      expect(Object.keys(providers)).toEqual([name])
    }
    expect(() => secretsManagerFromEnv({}, { env: { FINCHAT_SECRETS_PROVIDER: 'other' } })).toThrow(
      new RegExp(`must name one provider: (?=.*${providerNames.join(')(?=.*')})`),
    )
  })

  it('have the variables of the chain', () => {
    const asked = new Set<string>()
    const variables = new Proxy({}, { getOwnPropertyDescriptor: (_, name) => void asked.add(String(name)) })
    const none: ProviderFromEnv = (reader) => ({ specificationVersion: 'v1', name: 'env', get: async () => void reader })
    void secretsManagerFromEnv({ env: none }, { env: variables }).close()
    const own = Object.values(chainSettings).map(({ variable }) => variable)
    expect([...asked].filter((name) => name.startsWith('FINCHAT_SECRETS_')).toSorted()).toEqual(own.toSorted())
  })
})
