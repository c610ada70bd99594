export type {
  AgeConfig,
  AuditConfig,
  Config,
  CredentialSource,
  DeclaredSecret,
  KubernetesConfig,
  LocalConfig,
  MountedConfig,
  NamesConfig,
  ProviderName,
  RegionConfig,
  SecretType,
  SopsConfig,
  VaultConfig,
} from './config/config.ts'
export { loadConfig, type LoadConfigOptions, type LoadedConfig } from './config/load-config.ts'
