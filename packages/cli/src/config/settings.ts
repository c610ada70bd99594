import type { AuditConfig, Config, DeclaredSecret, DecoysConfig, NamesConfig, ProviderName, SecretType } from './config.ts'

/** What a setting may hold in the configuration file. */
export type Shape =
  | { readonly kind: 'text' | 'switch' | 'count' | 'paths' | 'credential' }
  /** Relative to the configuration file, as `default` is too; `except` is no path. */
  | { readonly kind: 'path'; readonly except?: string; readonly default?: string }
  /** One of these words, or a number from 1, or a switch. */
  | { readonly kind: 'choice'; readonly words: readonly string[]; readonly or?: 'positive' | 'switch' }
  | { readonly kind: 'list'; readonly words: readonly string[] }
  /** A list of texts, one at least. */
  | { readonly kind: 'texts' }

export type Setting = Shape & {
  /** The variable that says the same. */
  readonly variable: string
  readonly description: string
  /** The variable that names a credential's file. */
  readonly fileVariable?: string
}

type SettingsOf<Section> = { readonly [member in keyof Required<Section>]: Setting }

/** Those that are reached over the network, with a credential. */
export const remoteNames: readonly ProviderName[] = ['aws', 'ssm', 'vault', 'kubernetes']
/** Those that can be written. */
export const storeNames: readonly ProviderName[] = ['local', ...remoteNames]
/** As an error or a help text lists them. */
export const storeChoice: string = `${storeNames.slice(0, -1).join(', ')} or ${storeNames.at(-1)}`
export const providerNames: readonly ProviderName[] = ['env', ...storeNames, 'mounted', 'age', 'sops']

const naming = (store: string): SettingsOf<NamesConfig> => ({
  names: { kind: 'paths', variable: `FINCHAT_${store}_NAMES`, description: 'the path of each name, with a field behind #' },
  prefix: { kind: 'text', variable: `FINCHAT_${store}_PREFIX`, description: 'goes before every name that is not in names' },
  onlyNamed: { kind: 'switch', variable: `FINCHAT_${store}_ONLY_NAMED`, description: 'ask for nothing but names' },
})

const region = (store: string): Setting => ({
  kind: 'text',
  variable: `FINCHAT_${store}_REGION`,
  description: "the region; by default the SDK's own chain",
})

const credential = (variable: string, description: string): Setting => ({
  kind: 'credential',
  variable,
  fileVariable: `${variable}_FILE`,
  description,
})

const ageIdentity = 'where the age identity is'

/** The settings of each provider, by the member of its section. */
const providerSettings: { readonly [name in ProviderName]: SettingsOf<NonNullable<Config[name]>> } = {
  env: naming('ENV'),
  local: {
    key: credential('FINCHAT_ENCRYPTION_KEY', 'where the encryption key is'),
    otherKey: credential('FINCHAT_ENCRYPTION_OTHER_KEY', 'where a second key is, which only opens, while the key is replaced'),
    path: {
      kind: 'path',
      except: ':memory:',
      default: '.secrets.db',
      variable: 'FINCHAT_LOCAL_PATH',
      description: 'the file of the store; .secrets.db by default',
    },
    mustExist: { kind: 'switch', variable: 'FINCHAT_LOCAL_MUST_EXIST', description: 'a missing file is an error, not an empty store' },
    storeId: { kind: 'text', variable: 'FINCHAT_LOCAL_STORE_ID', description: 'the only store accepted at path' },
    keepVersions: {
      kind: 'choice',
      words: ['all'],
      or: 'positive',
      variable: 'FINCHAT_LOCAL_KEEP_VERSIONS',
      description: 'how many versions of a secret a write leaves',
    },
    ...naming('LOCAL'),
  },
  aws: { region: region('AWS'), ...naming('AWS') },
  ssm: { region: region('SSM'), ...naming('SSM') },
  vault: {
    url: { kind: 'text', variable: 'FINCHAT_VAULT_URL', description: 'the server' },
    token: credential('FINCHAT_VAULT_TOKEN', 'where the token is'),
    roleId: { kind: 'text', variable: 'FINCHAT_VAULT_ROLE_ID', description: 'the role id of an AppRole login' },
    secretId: credential('FINCHAT_VAULT_SECRET_ID', 'where the secret id of an AppRole login is'),
    role: { kind: 'text', variable: 'FINCHAT_VAULT_ROLE', description: 'the role of a Kubernetes or JWT login' },
    jwt: credential('FINCHAT_VAULT_JWT', 'where the JSON Web Token is; without it role logs in as the pod'),
    authMount: { kind: 'text', variable: 'FINCHAT_VAULT_AUTH_MOUNT', description: 'the mount of the login; by default that of its method' },
    mount: { kind: 'text', variable: 'FINCHAT_VAULT_MOUNT', description: 'the KV mount; secret by default' },
    namespace: { kind: 'text', variable: 'FINCHAT_VAULT_NAMESPACE', description: 'the namespace' },
    caFile: { kind: 'path', variable: 'FINCHAT_VAULT_CA_FILE', description: "the file of the server's authority" },
    ...naming('VAULT'),
  },
  kubernetes: {
    namespace: { kind: 'text', variable: 'FINCHAT_KUBERNETES_NAMESPACE', description: "the namespace; by default the pod's own" },
    url: { kind: 'text', variable: 'FINCHAT_KUBERNETES_URL', description: 'the server, outside a pod' },
    token: credential('FINCHAT_KUBERNETES_TOKEN', 'where the token is, outside a pod'),
    caFile: { kind: 'path', variable: 'FINCHAT_KUBERNETES_CA_FILE', description: "the file of the server's authority" },
    ...naming('KUBERNETES'),
  },
  mounted: {
    folder: { kind: 'path', variable: 'FINCHAT_MOUNTED_FOLDER', description: 'the folder; /run/secrets by default' },
    withoutLineEnd: { kind: 'switch', variable: 'FINCHAT_MOUNTED_WITHOUT_LINE_END', description: "drop a file's last line end" },
    ...naming('MOUNTED'),
  },
  age: {
    folder: { kind: 'path', variable: 'FINCHAT_AGE_FOLDER', description: 'a folder of encrypted files' },
    file: { kind: 'path', variable: 'FINCHAT_AGE_FILE', description: 'one encrypted file with many secrets' },
    format: { kind: 'text', variable: 'FINCHAT_AGE_FORMAT', description: 'the format of that file' },
    identity: credential('FINCHAT_AGE_IDENTITY', ageIdentity),
    ...naming('AGE'),
  },
  sops: {
    file: { kind: 'path', variable: 'FINCHAT_SOPS_FILE', description: 'the encrypted file' },
    format: { kind: 'text', variable: 'FINCHAT_SOPS_FORMAT', description: 'the format of that file' },
    identity: credential('FINCHAT_SOPS_IDENTITY', ageIdentity),
    ...naming('SOPS'),
  },
}

/** The settings of the chain and its cache. */
export const chainSettings: SettingsOf<Pick<Config, 'provider' | 'fallbacks' | 'cacheTtl'>> = {
  provider: {
    kind: 'choice',
    words: providerNames,
    variable: 'FINCHAT_SECRETS_PROVIDER',
    description: 'the first provider of the chain; env by default',
  },
  fallbacks: {
    kind: 'list',
    words: providerNames,
    variable: 'FINCHAT_SECRETS_FALLBACKS',
    description: 'the next providers; env by default',
  },
  cacheTtl: { kind: 'count', variable: 'FINCHAT_SECRETS_CACHE_TTL', description: 'the TTL of the cache in seconds; 300 by default' },
}

/** The settings of the audit trail. */
const auditSettings: SettingsOf<AuditConfig> = {
  line: {
    kind: 'choice',
    words: ['stderr', 'stdout'],
    or: 'switch',
    variable: 'FINCHAT_AUDIT_LINE',
    description: 'a line of each access; true is stderr',
  },
  folder: { kind: 'path', variable: 'FINCHAT_AUDIT_FOLDER', description: 'a folder of sealed records' },
  checkpoints: { kind: 'path', variable: 'FINCHAT_AUDIT_CHECKPOINTS', description: 'a folder for the checkpoints of the records' },
  sealNames: {
    kind: 'path',
    variable: 'FINCHAT_AUDIT_SEAL_NAMES',
    description: 'the file of the keys that seal names of persons, for audit erase',
  },
  sealNamesOf: {
    kind: 'list',
    words: ['actor', 'name'],
    variable: 'FINCHAT_AUDIT_SEAL_NAMES_OF',
    description: 'which names: actor by default',
  },
}

const decoySettings: SettingsOf<DecoysConfig> = {
  key: { kind: 'credential', variable: 'FINCHAT_DECOYS_KEY', description: 'where the key is that makes decoys and recognises them' },
}

const secretTypes: readonly SecretType[] = ['text', 'integer', 'boolean', 'url', 'json']

/** What is said of one secret in `secrets`; no variable says the same. */
export const declarationShapes: { readonly [member in keyof Required<DeclaredSecret>]: Shape & { readonly description: string } } = {
  description: { kind: 'text', description: 'its purpose' },
  required: { kind: 'switch', description: 'whether the application needs it; true by default' },
  name: { kind: 'text', description: 'its name in the chain; by default the key' },
  field: { kind: 'text', description: 'one of its fields: a key or a JSON pointer' },
  type: { kind: 'choice', words: secretTypes, description: 'the type of the value; text by default' },
  minLength: { kind: 'count', description: 'the fewest characters' },
}

/** The sections of the file, by their name. */
export const sections: Readonly<Record<string, Readonly<Record<string, Setting>>>> = {
  ...providerSettings,
  audit: auditSettings,
  decoys: decoySettings,
}

/** Whether a variable of the environment can have this name. */
export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
}
