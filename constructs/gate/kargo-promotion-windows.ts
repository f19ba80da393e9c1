import { kargoPromotionWindowProblems } from '../../model/gate/index.ts';
import { SettingsError } from '../../model/problems.ts';

/**
 * Refuses Kargo's own `promotionWindows`, which open-source Kargo ignores.
 *
 * @param value specs of ProjectConfigs, Stages and the like, as they are about to be rendered
 * @param where what they belong to, for the error
 * @throws SettingsError with every place
 */
export function refuseKargoPromotionWindows(value: unknown, where: string): void {
  const problems = kargoPromotionWindowProblems(value, where);
  if (problems.length > 0) throw new SettingsError('promotion windows', problems);
}
