export { UsageError } from './names.ts'
export { writeProvider } from './write-provider.ts'
