from config.apps import no_fault_injection


def test_check_deploy_refuses_fault_injection(settings):
    settings.HUB_FAULT_INJECTION = True
    assert [message.id for message in no_fault_injection(None)] == ["orderhub.E001"]
    settings.HUB_FAULT_INJECTION = False
    assert no_fault_injection(None) == []
