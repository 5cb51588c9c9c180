"""OrderFlow's part of the HTTP API, included by config/urls.py."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
