import type { ProviderFromEnv } from '@finchat/secrets-core'

/**
 * What `finchat-secrets.config.json` holds. It says what the `FINCHAT_*` variables say, in the same
 * words: `local.path` is `FINCHAT_LOCAL_PATH`. A variable that is set overrides the file. It holds
 * no secret: a key or a token is named by the variable, file or keychain entry that has it.
 */
export interface Config {
  /** For editors: `./node_modules/@finchat/secrets-cli/src/config.schema.json`. */
  readonly $schema?: string | undefined
  /** The first provider of the chain. Default: `env`. */
  readonly provider?: ChainName | undefined
  /** The next ones. Default: `env`. */
  readonly fallbacks?: readonly ChainName[] | undefined
  /**
   * Providers of other packages, by their name in the chain: `{ "my-store": "@acme/my-store" }`.
   * The package exports `myStoreFromEnv`. A configuration that is a program may give the function.
   */
  readonly providers?: OwnProviders | undefined
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
  readonly decoys?: DecoysConfig | undefined
  /** The secrets that the application needs, by the name under which it reads them. */
  readonly secrets?: Readonly<Record<string, DeclaredSecret>> | undefined
  /** How secrets are rotated, by a declared name or by the name in the chain. */
  readonly rotation?: Readonly<Record<string, RotationConfig>> | undefined
}

export type OwnProviders = Readonly<Record<string, string | ProviderFromEnv>>

/** One of ours, or a name in `providers`. */
export type ChainName = ProviderName | (string & {})

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
  /** A second key, which only opens, while the key is replaced: the next one, then the former one. */
  readonly otherKey?: CredentialSource | undefined
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
  /** AppRole, with `secretId`. */
  readonly roleId?: string | undefined
  readonly secretId?: CredentialSource | undefined
  /** The role of the login with `jwt`, or without it as the service account of the pod. */
  readonly role?: string | undefined
  readonly jwt?: CredentialSource | undefined
  /** The mount of the login. Default: that of its method. */
  readonly authMount?: string | undefined
  /** The KV mount. Default: `secret`. */
  readonly mount?: string | undefined
  readonly namespace?: string | undefined
  readonly caFile?: string | undefined
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
  /** The file of the keys under which names of persons are sealed, so that `audit erase` can erase them. Beside the folder. */
  readonly sealNames?: string | undefined
  /** Which names are sealed: of actors, of secrets, or both. Default: `['actor']`. */
  readonly sealNamesOf?: readonly ('actor' | 'name')[] | undefined
}

export interface DecoysConfig {
  /** Where the key is that makes decoys for `run --decoys`, and recognises them in `verifySecret`. */
  readonly key?: CredentialSource | undefined
}

/** A secret that the application needs. */
export interface DeclaredSecret {
  readonly description?: string | undefined
  /** Default: true. */
  readonly required?: boolean | undefined
  /** The secret's name in the chain, where another one is wanted here. Default: the key. */
  readonly name?: string | undefined
  /** One of its fields: a key or a JSON pointer. */
  readonly field?: string | undefined
  /** What the value must be. Default: `text`. */
  readonly type?: SecretType | undefined
  /** The fewest characters. */
  readonly minLength?: number | undefined
}

/** How one secret is rotated. Functions are for a configuration that is a program. */
export interface RotationConfig {
  /** How old it may become: `30d`, `12h`. Without it only `rotate NAME` rotates it. */
  readonly every?: string | undefined
  /** How long the former value still works, where the target keeps it. Default: 0. */
  readonly graceSeconds?: number | undefined
  /** Wait until nobody uses the former value. Needs usage marks. */
  readonly whenUnused?: boolean | undefined
  /** How the new value is made. Default: a password of 32 letters and digits. */
  readonly generate?: GeneratorConfig | (() => Promise<string> | string) | undefined
  /** Where the value is set. Default: in the store alone. */
  readonly target?: TargetConfig | OwnTarget | undefined
}

export type GeneratorConfig =
  | { readonly kind: 'token'; readonly bytes?: number | undefined; readonly encoding?: 'base64url' | 'hex' | undefined }
  | {
      readonly kind: 'password'
      readonly length?: number | undefined
      readonly classes?: readonly ('lower' | 'upper' | 'digit' | 'symbol')[] | undefined
      readonly symbols?: string | undefined
      readonly exclude?: string | undefined
    }
  | { readonly kind: 'uuid' }
  | {
      readonly kind: 'keyPair'
      readonly type?: 'ed25519' | 'ec' | 'rsa' | undefined
      readonly modulusLength?: 2048 | 3072 | 4096 | undefined
      readonly format?: 'pem' | 'jwk' | undefined
    }

export type TargetConfig = { readonly kind: 'none' } | PostgresTargetConfig | RedisTargetConfig | SigningKeysTargetConfig

/** A role of PostgreSQL, or two that alternate. Its client is the package `pg`. */
export interface PostgresTargetConfig {
  readonly kind: 'postgres'
  readonly host: string
  /** Default: 5432. */
  readonly port?: number | undefined
  readonly database: string
  /** Default: true. */
  readonly tls?: boolean | undefined
  /** The authority of the server's certificate. Relative to the configuration file. */
  readonly caFile?: string | undefined
  /** The role that changes passwords. */
  readonly administrator: string
  readonly password: CredentialSource
  /** The role whose password changes, or `users` and `owner`. */
  readonly role?: string | undefined
  readonly users?: readonly string[] | undefined
  readonly owner?: string | undefined
}

/** An ACL user of Redis or Valkey. Its client is the package `@redis/client`. */
export interface RedisTargetConfig {
  readonly kind: 'redis'
  /** Every node, such as `rediss://cache-1.example:6380`, without a password. */
  readonly urls: readonly string[]
  /** The authority of the servers' certificates. Relative to the configuration file. */
  readonly caFile?: string | undefined
  readonly administrator: string
  readonly password: CredentialSource
  /** The ACL user whose password changes. */
  readonly user: string
}

/** A ring of signing keys. */
export interface SigningKeysTargetConfig {
  readonly kind: 'signingKeys'
  /** Default: `EdDSA`. */
  readonly algorithm?: 'EdDSA' | 'ES256' | 'RS256' | undefined
  /** How many former keys still verify. Default: 1. */
  readonly former?: number | undefined
}

/** A target of `@finchat/secrets-rotation`, such as `functionTarget(…)`, of a configuration that is a program. */
export interface OwnTarget {
  readonly next: (...args: never[]) => unknown
  readonly apply: (...args: never[]) => unknown
  readonly test: (...args: never[]) => unknown
}

export type SecretType = 'text' | 'integer' | 'boolean' | 'url' | 'json'
