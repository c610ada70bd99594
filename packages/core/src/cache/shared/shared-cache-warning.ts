/** For the operator: something about the shared cache has changed for a while. */
export function warnOfSharedCache(message: string): void {
  process.emitWarning(message, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_SHARED_CACHE' })
}
