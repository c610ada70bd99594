/**
 * What `finchat-secrets.config.json` holds. It says what the `FINCHAT_*` variables say, in the same
 * words: `local.path` is `FINCHAT_LOCAL_PATH`. A variable that is set overrides the file. It holds
 * no secret: a key or a token is named by the variable, file or keychain entry that has it.
 */
export interface Config {
  /** For editors: `./node_modules/@finchat/secrets-cli/src/config.schema.json`. */
  readonly $schema?: string | undefined
  /** The first provider of the chain. Default: `env`. */
  readonly provider?: ProviderName | undefined
  /** The next ones. Default: `env`. */
  readonly fallbacks?: readonly ProviderName[] | undefined
  /** The TTL of the cache in seconds. Default: 300. */
  readonly cacheTtl?: number | undefined
  readonly local?: LocalConfig | undefined
  readonly aws?: RegionConfig | undefined
  readonly ssm?: RegionConfig | undefined
  readonly vault?: VaultConfig | undefined
  readonly kubernetes?: KubernetesConfig | undefined
  readonly mounted?: MountedConfig | undefined
  readonly age?: AgeConfig | undefined
  readonly sops?: SopsConfig | undefined
  readonly env?: NamesConfig | undefined
  readonly audit?: AuditConfig | undefined
  /** The secrets that the application needs, by the name under which it reads them. */
  readonly secrets?: Readonly<Record<string, DeclaredSecret>> | undefined
}

export type ProviderName = 'env' | 'local' | 'aws' | 'ssm' | 'vault' | 'kubernetes' | 'mounted' | 'age' | 'sops'

/**
 * Where a key or a token is: in a variable, in a file, relative to the configuration file, or in an
 * entry of the operating system's keychain.
 */
export type CredentialSource = { readonly variable: string } | { readonly file: string } | { readonly keychain: string }

/** How names map to the paths of a store, as for every provider. */
export interface NamesConfig {
  /** `{ "TOKEN": "finchat/token#token" }`: a path, and a field behind `#`. */
  readonly names?: Readonly<Record<string, string>> | undefined
  /** Goes before every name that is not in `names`. */
  readonly prefix?: string | undefined
  /** Ask for nothing but `names`. */
  readonly onlyNamed?: boolean | undefined
}

export interface LocalConfig extends NamesConfig {
  readonly key?: CredentialSource | undefined
  /** Relative to the configuration file. Default: `.secrets.db`. */
  readonly path?: string | undefined
  readonly mustExist?: boolean | undefined
  readonly storeId?: string | undefined
  readonly keepVersions?: number | 'all' | undefined
}

export interface RegionConfig extends NamesConfig {
  readonly region?: string | undefined
}

export interface VaultConfig extends NamesConfig {
  readonly url?: string | undefined
  readonly token?: CredentialSource | undefined
}

export interface KubernetesConfig extends NamesConfig {
  readonly namespace?: string | undefined
  readonly url?: string | undefined
  readonly token?: CredentialSource | undefined
  readonly caFile?: string | undefined
}

export interface MountedConfig extends NamesConfig {
  readonly folder?: string | undefined
  readonly withoutLineEnd?: boolean | undefined
}

export interface AgeConfig extends NamesConfig {
  readonly folder?: string | undefined
  readonly file?: string | undefined
  readonly format?: string | undefined
  readonly identity?: CredentialSource | undefined
}

export interface SopsConfig extends NamesConfig {
  readonly file?: string | undefined
  readonly format?: string | undefined
  readonly identity?: CredentialSource | undefined
}

export interface AuditConfig {
  readonly line?: boolean | 'stderr' | 'stdout' | undefined
  readonly folder?: string | undefined
  readonly checkpoints?: string | undefined
}

/** A secret that the application needs. */
export interface DeclaredSecret {
  readonly description?: string | undefined
  /** Default: true. */
  readonly required?: boolean | undefined
  /** The secret's name in the chain. Default: the key. */
  readonly name?: string | undefined
  /** One of its fields: a key or a JSON pointer. */
  readonly field?: string | undefined
  /** What the value must be. Default: `text`. */
  readonly type?: SecretType | undefined
  /** The fewest characters. */
  readonly minLength?: number | undefined
}

export type SecretType = 'text' | 'integer' | 'boolean' | 'url' | 'json'
