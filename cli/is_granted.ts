/**
 * Permissions that are used when they are there, and never asked for.
 *
 * @module
 */

/**
 * Whether a permission is there. An extra is not worth a prompt.
 *
 * @param descriptor The permission.
 * @returns False also where Deno would ask.
 */
export function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
