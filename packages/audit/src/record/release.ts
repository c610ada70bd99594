// The bundler inlines it: Jest's CommonJS has no `import.meta`, and a bundle no manifest.
import manifest from '../../package.json' with { type: 'json' }

export const release: string = manifest.version
